import { basename, resolve } from 'node:path';
import type { LoadedRun } from './load-runs.ts';

/** What to call the two: their targets where these differ, else their folders. */
export function sideNames(
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
  paths: readonly [string, string],
): readonly [string, string] {
  const [a, b] = [targetOf(base), targetOf(now)];
  if (a !== b) return [a, b];
  const [x, y] = [basename(resolve(paths[0])), basename(resolve(paths[1]))];
  return x === y ? [paths[0], paths[1]] : [x, y];
}

/** Without the seed of an engine's noise, where it tells repeats apart. */
function targetOf(runs: readonly LoadedRun[]): string {
  const specs = [...new Set(runs.map(({ manifest }) => manifest.target.spec))];
  const [spec = ''] = specs;
  return specs.length === 1 ? spec : spec.replace(/,seed=\d+/, '');
}
