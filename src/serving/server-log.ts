import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withCompileCache } from '../core/compile-cache.ts';
import { UserError } from '../core/errors.ts';
import { SHORTEST_KEY } from '../core/secrets.ts';
import { writeError } from '../runs/run-directory.ts';

/** What is still in the pipe is written within this time of the server's end. */
const REST_MS = 2000;

/** Where the output of a server that is started here goes. */
export interface ServerLog {
  /** For its stdout and stderr. */
  readonly fd: number;
  /** To be called once the server has `fd`. */
  release(): void;
  /** Resolves when all that the server wrote before its end is in the file; where something still writes, soon after. */
  whole(): Promise<void>;
}

/**
 * Opens the log of a server. A server prints its environment, its arguments and the headers of requests: where there are
 * keys, its output passes a process of its own, which hides them before anything is on the disk and goes on until the last
 * writer is gone, also where this process is killed. Without keys the server writes the file itself. Throws a UserError
 * where `file` is there or cannot be written.
 */
export function openServerLog(file: string, keys: readonly string[]): ServerLog {
  const hidden = keys.filter((key) => key.length >= SHORTEST_KEY);
  const log = openNew(file);
  if (hidden.length === 0) return { fd: log, release: () => closeSync(log), whole: async () => undefined };
  const { read, write } = pipe();
  const worker = join(import.meta.dirname, `server-log-worker${extname(import.meta.filename)}`);
  // A session of its own: Ctrl-C is not for it.
  const scrubber = spawn(process.execPath, [worker], {
    stdio: [read, log, 'ignore', 'pipe'],
    env: withCompileCache(),
    detached: true,
  });
  const ended = once(scrubber, 'exit').catch(() => undefined);
  // The keys are in no argument and no environment, where other users could see them.
  const [, , , given] = scrubber.stdio;
  if (given !== null && given !== undefined && 'end' in given) given.end(JSON.stringify(hidden));
  scrubber.unref();
  closeSync(read);
  closeSync(log);
  return {
    fd: write,
    release: () => closeSync(write),
    whole: async () => {
      await Promise.race([ended, sleep(REST_MS, undefined, { ref: false })]);
    },
  };
}

/**
 * A pipe of the kernel: what Node makes for a child is a socket, which a program cannot open again as `/dev/stderr`, as
 * shell scripts do.
 */
function pipe(): { readonly read: number; readonly write: number } {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-log-'));
  const path = join(folder, 'pipe');
  try {
    const made = spawnSync('mkfifo', ['-m', '600', path]);
    if (made.status !== 0)
      throw new UserError(`--start: no pipe for the server's log could be made in ${folder}: ${made.stderr}`);
    // Open for both, an end waits for no other.
    const both = openSync(path, constants.O_RDWR);
    const ends = { read: openSync(path, 'r'), write: openSync(path, 'w') };
    closeSync(both);
    return ends;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openNew(file: string): number {
  try {
    return openSync(file, 'wx');
  } catch (error) {
    throw writeError(file, error);
  }
}

/** The last bytes of a file as text, `mostBytes` at most. */
export function tailOf(file: string, mostBytes: number): string {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, mostBytes));
    const read = readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, read).toString();
  } finally {
    closeSync(handle);
  }
}
