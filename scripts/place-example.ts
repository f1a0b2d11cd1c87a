import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The search of the README: arguments of the program that write its result to `out`. */
export function placeExample(trace: string, out: string): string[] {
  const cluster = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '8'];
  return ['place', trace, ...cluster, '--slo', 'ttft=250ms,tpot=100ms', '--out', out, '--quiet'];
}

/**
 * SHA-256 of the bytes of `place.json` in a folder, the version of this package (`versions.reprise`) put as `VERSION`:
 * it says who searched, and changes with every release while the result stays the same.
 */
export function placeSha256(out: string): string {
  const text = readFileSync(join(out, 'place.json'), 'utf8');
  const versioned = /("versions": \{\s*"reprise": )"[^"]*"/;
  if (!versioned.test(text)) throw new Error(`${out}/place.json does not say which version wrote it`);
  return createHash('sha256').update(text.replace(versioned, '$1"VERSION"')).digest('hex');
}
