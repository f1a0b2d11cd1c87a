import { copyFileSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../core/log.ts';
import { headerKeys } from '../core/secrets.ts';
import { makeDirectory, serverLogFile, writeError } from '../runs/run-directory.ts';
import { startServer, type StartedServer } from '../serving/start-server.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { parseUrl } from './server-url.ts';
import type { StartSpec } from './target-spec.ts';

/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;

/** A server that was started here, and its log file. */
export interface LaunchedServer extends StartedServer {
  /** Moves the log file into a run directory; later calls do nothing, so that it stays with the first run. */
  keepLog(dir: string): void;
}

/**
 * Starts the server under test. There is no run directory yet, so its log file begins beside the directory of the first
 * run, `dir`; if the server does not start, the log stays there.
 */
export async function launchServer(
  { command, ready, timeoutUs }: StartSpec,
  targets: readonly ServerAccess[],
  { dir, stop, log }: { readonly dir: string; readonly stop: AbortSignal; readonly log: Log },
): Promise<LaunchedServer> {
  makeDirectory(dirname(dir));
  const logFile = freeLogFile(dir);
  const options = {
    command,
    ready: ready === null ? null : parseUrl(ready, '--ready'),
    targets,
    timeoutUs,
    graceMs: GRACE_MS,
    logFile,
    keys: targets.flatMap(({ headers, secrets = [] }) => [...headerKeys(headers), ...secrets]),
  };
  const server = await startServer(options, log, stop);
  let keptIn: string | null = null;
  let isCopied = false;
  return {
    ...server,
    keepLog: (to) => {
      if (keptIn !== null) return;
      keptIn = serverLogFile(to);
      try {
        renameSync(logFile, keptIn);
      } catch {
        isCopied = true; // on another file system: the server still writes to the old file
      }
    },
    stop: async () => {
      await server.stop();
      if (!isCopied || keptIn === null) return;
      copyFileSync(logFile, keptIn);
      rmSync(logFile);
    },
  };
}

/** `DIR.server.log`, or with a number where that is taken: by the log of a server that did not start, or anything else. */
function freeLogFile(dir: string): string {
  for (let number = 1; ; number++) {
    const file = join(dirname(dir), `${basename(dir)}.server${number === 1 ? '' : `-${number}`}.log`);
    try {
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return file;
    } catch (error) {
      throw writeError(file, error);
    }
  }
}
