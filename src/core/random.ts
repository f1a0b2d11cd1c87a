import { ln } from './portable-math.ts';

/** A stream of uniform 32-bit integers. */
export type Random = () => number;

/**
 * A seeded stream (sfc32) named by its keys. Each component draws from its own stream, so that the draws of one never
 * shift those of another. Integer arithmetic only: the same on every machine.
 */
export function randomStream(seed: number, ...keys: readonly (number | string)[]): Random {
  let hash = mix(0x9e3779b9, seed);
  for (const key of keys) {
    if (typeof key === 'number') hash = mix(mix(hash, key), key / 2 ** 32);
    else for (let i = 0; i < key.length; i++) hash = mix(hash, key.charCodeAt(i));
  }
  let a = mix(hash, 1);
  let b = mix(hash, 2);
  let c = mix(hash, 3);
  let counter = 1;
  const next = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Uniform in [0, 1) with 53 bits. */
export function uniform(random: Random): number {
  return ((random() >>> 5) * 2 ** 26 + (random() >>> 6)) / 2 ** 53;
}

/** Normal with mean 0 and deviation 1, by Marsaglia's polar method; its second value is not kept. */
export function standardNormal(random: Random): number {
  for (;;) {
    const x = 2 * uniform(random) - 1;
    const y = 2 * uniform(random) - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * ln(square)) / square);
  }
}

/** MurmurHash3's 32-bit mixing of one more word into a hash. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  let h = hash ^ k;
  h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return (h ^ (h >>> 16)) | 0;
}
