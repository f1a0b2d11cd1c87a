import { resolve } from 'node:path';

/** Run directories that this process writes to: whether another process still does, its pid tells. */
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
