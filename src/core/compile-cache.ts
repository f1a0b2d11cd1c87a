import module from 'node:module';
import { dirname } from 'node:path';

/**
 * This environment, for a thread or another process of ours: it uses the compile cache from its first file on if it is
 * told of the folder. From source that saves a process the load of the compiler, 0.1 s of CPU.
 */
export function withCompileCache(): NodeJS.ProcessEnv {
  // A folder of this version of Node, in the one to name.
  const folder = module.getCompileCacheDir();
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}
