import { renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory, serverLogFile } from '../runs/run-directory.ts';
import { startServer, type StartedServer } from '../serving/start-server.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { parseUrl } from './target-spec.ts';

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;

export interface ServerOfRun extends StartedServer {
  /** Its log goes into the run directory, which is there by now. */
  moveLog(): void;
}

/**
 * Starts the server under test if the run is to. There is no run directory yet, so its log begins beside it; if it does
 * not start, the log stays there.
 */
export async function startIfAsked(
  { start, target, headers, insecure }: RunSpec,
  dir: string,
  {
    tell,
    warn,
    stop,
  }: { readonly tell: (text: string) => void; readonly warn: (text: string) => void; readonly stop: AbortSignal },
): Promise<ServerOfRun | null> {
  if (start === null) return null;
  const logFile = join(dirname(dir), `${basename(dir)}.server.log`);
  makeDirectory(dirname(dir));
  const options = {
    command: start.command,
    ready: start.ready === null ? null : parseUrl(start.ready, '--ready'),
    target: parseUrl(target),
    headers,
    insecure,
    timeoutUs: start.timeoutUs,
    graceMs: GRACE_MS,
    logFile,
  };
  const server = await startServer(options, { info: tell, warn }, stop);
  return { ...server, moveLog: () => renameSync(logFile, serverLogFile(dir)) };
}
