import { existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { savedStdin, STDIN } from '../containers/stdin.ts';

/** Bundled traces, made by `scripts/make-samples.ts`; no row of them comes from anybody's service. */
export const SAMPLES: Readonly<Record<string, string>> = {
  chat: 'about 45 s of chat: bursts, prompts of a few hundred to some thousand tokens, short answers',
  code: 'a minute of code completion: long prompts, very short answers, arrivals in sharp bursts',
};

/**
 * The file of a trace argument: a path as it is, the name of a sample where no such file exists, or `-` for standard input,
 * which `saveStdin` has saved.
 */
export function resolveWorkload(argument: string): string {
  if (argument === STDIN) return savedStdin();
  if (!Object.hasOwn(SAMPLES, argument) || existsSync(argument)) return argument;
  const packageFile = findPackageJSON(import.meta.url);
  if (packageFile === undefined) throw new Error('no package.json above this file');
  return join(dirname(packageFile), 'workloads', 'samples', `${argument}.csv`);
}
