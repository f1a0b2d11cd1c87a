import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, UserError } from '../../src/core/errors.ts';

/** Standard input as an argument. */
export const STDIN = '-';

let saved: string | null = null;

/**
 * Saves standard input to a temporary file, for a trace is read more than once; it is removed when the process ends. Throws
 * a UserError where nothing is piped into it, or it cannot be saved.
 */
export async function saveStdin(): Promise<void> {
  if (process.stdin.isTTY)
    throw new UserError('-: nothing is piped into standard input; write "< FILE", or name a file');
  const folder = mkdtempSync(join(tmpdir(), 'reprise-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return;
      // Nobody else acts on it: without this listener it would have ended the process.
      remove();
      process.kill(process.pid, signal);
    });
  const file = join(folder, 'stdin');
  try {
    await pipeline(process.stdin, createWriteStream(file));
  } catch (thrown) {
    throw new UserError(
      `-: standard input cannot be saved to ${file}: ${messageOf(thrown)}; save it to a file, and name that`,
      {
        cause: thrown,
      },
    );
  }
  saved = file;
}

/** The file that holds standard input. Throws a UserError where it was not read: it is kept for one command alone. */
export function savedStdin(): string {
  if (saved !== null) return saved;
  throw new UserError('-: the trace came on standard input, which is not kept; save it to a file, and name that');
}
