import { ln } from './portable-math.ts';

/** A stream of uniform 32-bit integers. */
export type Random = () => number;

/**
 * A seeded stream (sfc32) named by its keys. Each component draws from its own stream, so that the draws of one never
 * shift those of another. Integer arithmetic only: the same on every machine.
 */
export function randomStream(seed: number, ...keys: readonly (number | string)[]): Random {
  let name = streamName(seed);
  for (const key of keys) name = withKey(name, key);
  const numbers = new RandomNumbers(name);
  return () => numbers.next();
}

/** The name of a seed's stream without keys; with all keys of `randomStream`, one after another, it is that stream. */
export function streamName(seed: number): number {
  return mix(0x9e3779b9, seed);
}

/** The name with one more key. */
export function withKey(name: number, key: number | string): number {
  if (typeof key === 'number') return mix(mix(name, key), key / 2 ** 32);
  let hash = name;
  for (let i = 0; i < key.length; i++) hash = mix(hash, key.charCodeAt(i));
  return hash;
}

/** The numbers of the stream of a name, where there are many streams of a few numbers each. */
export class RandomNumbers {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(name: number) {
    this.#a = mix(name, 1);
    this.#b = mix(name, 2);
    this.#c = mix(name, 3);
    for (let i = 0; i < 12; i++) this.next();
  }

  next(): number {
    const b = this.#b;
    const c = this.#c;
    const result = (this.#a + b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = b ^ (b >>> 9);
    this.#b = (c + (c << 3)) | 0;
    this.#c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }
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
