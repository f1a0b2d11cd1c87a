import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Directories of runs, and of searches, that this process writes to: whether another process still does, its pid tells. */
const open = new Set<string>();

export function runBegins(dir: string): void {
  open.add(resolve(dir));
}

export function runEnds(dir: string): void {
  open.delete(resolve(dir));
}

export function isRunOpen(dir: string): boolean {
  return open.has(resolve(dir));
}

/** Whether a process runs. A killed process that its parent has not yet waited for (a zombie) does not, nor this one. */
export function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true; // no /proc here
  }
}
