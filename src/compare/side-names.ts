import { basename, resolve } from 'node:path';
import type { LoadedRun } from './load-runs.ts';

/** What to call the two: their targets where these differ, else their folders. */
export function sideNames(
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
  paths: readonly [string, string],
): readonly [string, string] {
  const [a, b] = [base[0]?.manifest.target.spec ?? '', now[0]?.manifest.target.spec ?? ''];
  if (a !== b) return [a, b];
  const [x, y] = [basename(resolve(paths[0])), basename(resolve(paths[1]))];
  return x === y ? [paths[0], paths[1]] : [x, y];
}
