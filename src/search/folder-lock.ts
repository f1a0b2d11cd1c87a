import { readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { isAlive, isRunOpen, runBegins, runEnds } from '../runs/open-runs.ts';
import { makeDirectory, writeError } from '../runs/run-directory.ts';

/** In the folder of a search or a comparison while it goes on: which process it is. */
export const LOCK_FILE = 'search.json';

const lockSchema = z.object({ pid: z.int() });

/**
 * Does work that has its folder to itself: two commands in one folder would take each other's runs. The lock of a
 * process that was killed does not count. Throws a UserError where another goes on there.
 */
export async function withFolder<T>(dir: string, work: () => Promise<T>): Promise<T> {
  if (isRunOpen(dir)) throw taken(dir, process.pid);
  makeDirectory(dir);
  const file = join(dir, LOCK_FILE);
  while (!lock(file)) breakLock(dir, file);
  runBegins(dir);
  try {
    return await work();
  } finally {
    runEnds(dir);
    rmSync(file, { force: true });
    removeEmpty(dir);
  }
}

/** False where there is a lock. */
function lock(file: string): boolean {
  try {
    writeFileSync(file, `${JSON.stringify({ pid: process.pid })}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw writeError(file, error);
  }
}

/** Removes the lock of a process that has ended. */
function breakLock(dir: string, file: string): void {
  const pid = pidIn(file);
  if (pid !== null && isAlive(pid)) throw taken(dir, pid);
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw writeError(file, error);
  }
  const moved = pidIn(aside);
  if (moved === pid) rmSync(aside, { force: true });
  else {
    // Another search has broken it meanwhile, and this is its own.
    renameSync(aside, file);
    throw taken(dir, moved ?? process.pid);
  }
}

/** Null where there is none, or its process was killed as it wrote it. */
function pidIn(file: string): number | null {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).pid;
  } catch {
    return null;
  }
}

function taken(dir: string, pid: number): UserError {
  return new UserError(
    `${dir}: another command goes on here (process ${pid}); wait for it, end it, or choose another --out`,
  );
}

/** A search that was refused leaves no folder. */
function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // It holds something.
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
