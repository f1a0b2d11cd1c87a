/** Hashes that decide what is sampled: the same for the same value, in every run and on every machine. 32 bits. */
export function hashOfNumber(value: number): number {
  return finished(mixed(mixed(0x2545f491, value | 0), (value / 2 ** 32) | 0));
}

/** A number of 53 bits that stands for a text: two of ten million texts share theirs with a chance of 1 in 200. */
export function keyOfText(text: string): number {
  let [a, b] = [0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = mixed(a, code);
    b = Math.imul(b ^ code, 0x01000193);
  }
  return (finished(b ^ text.length) >>> 11) * 2 ** 32 + finished(a);
}

function mixed(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
