import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const file = z.record(z.string(), z.unknown());
/** Keys that place.json has had since 0.3.0. */
const ADDED = new Set(['max_model_len', 'contenders', 'trace_timing', 'attainment', 'best', 'arrivals', 'prefix']);

/** The search of the README: arguments of the program that write its result to `out`. */
export function placeExample(trace: string, out: string): string[] {
  const cluster = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '8'];
  return ['place', trace, ...cluster, '--slo', 'ttft=250ms,tpot=100ms', '--out', out, '--quiet'];
}

/**
 * SHA-256 of `place.json` in a folder as it was before 0.3.0: without what was added to it, and with `VERSION` in place
 * of the version of this package (`versions.reprise`), which changes with every release while the result stays the same.
 */
export function placeSha256(out: string): string {
  const found = file.parse(JSON.parse(readFileSync(join(out, 'place.json'), 'utf8')));
  if (found['versions'] === undefined) throw new Error(`${out}/place.json does not say which version wrote it`);
  const old = Object.entries(found)
    .filter(([key]) => !ADDED.has(key))
    .map(([key, value]) => [key, key === 'versions' ? { reprise: 'VERSION' } : value]);
  return createHash('sha256')
    .update(`${JSON.stringify(Object.fromEntries(old), null, 2)}\n`)
    .digest('hex');
}
