import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { isAlive } from '../run/finish.ts';
import { makeDirectory, writeWhole } from '../runs/run-directory.ts';

/** Holds the process that works in the folder. */
export const LOCK = 'ab.lock';

/**
 * Keeps other processes out of a folder between two runs, while a run's own `run.json` says nothing; the returned function
 * lets go. What a killed process left keeps nobody out. Throws a UserError where a process still works there.
 */
export function lockFolder(dir: string): () => void {
  const file = join(dir, LOCK);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  if (Number.isInteger(pid) && pid > 0 && isAlive(pid))
    throw new UserError(`${dir}: process ${pid} makes the runs of this comparison; wait for it, or end it`);
  makeDirectory(dir);
  writeWhole(file, `${process.pid}\n`);
  return () => rmSync(file, { force: true });
}
