import type { Prompt } from '../instance/prompt-content.ts';

const NO_KEYS = new Float64Array();

/**
 * A key for each whole block of a prompt that others may share: equal keys mean equal tokens up to the end of that
 * block. Each key is 53 bits of the hash of the block's pieces and of all pieces before it, so that it identifies a
 * whole prefix (with a million blocks, two keys collide once in 20,000 runs), never 0. A piece that the prompt's end
 * cuts short is hashed with its length: its tokens differ from those of the whole piece.
 */
export function contentKeys({ content, promptTokens }: Prompt, blockTokens: number): Float64Array {
  if (content === null) return NO_KEYS;
  const { pieces, pieceTokens } = content;
  const keys = new Float64Array(Math.floor(Math.min(promptTokens, pieces.length * pieceTokens) / blockTokens));
  let a = pieceTokens | 0;
  let b = 0;
  for (let block = 0; block < keys.length; block++) {
    // A piece of many blocks is hashed into each of them; a piece of a few tokens into the block where it begins and
    // the block where it ends. The pieces before it determine which part of it a block holds.
    const end = Math.ceil(((block + 1) * blockTokens) / pieceTokens);
    for (let i = Math.floor((block * blockTokens) / pieceTokens); i < end; i++) {
      const id = pieces[i] ?? 0;
      const high = Math.floor(id / 2 ** 32) | 0;
      const cut = Math.min(0, promptTokens - (i + 1) * pieceTokens);
      // MurmurHash3 (x86, 128 bits), two of its four lanes.
      a ^= scrambled((id | 0) ^ Math.imul(high, 0x9e3779b1), 0x239b961b, 15, 0xab0e9789);
      a = (Math.imul(rotated(a, 19) + b, 5) + 0x561ccd1b) | 0;
      b ^= scrambled(((id | 0) + high) ^ cut, 0x38b34ae5, 17, 0xa1e38b93);
      b = (Math.imul(rotated(b, 13) + a, 5) + 0x96cd1c35) | 0;
    }
    const upper = finished(a + b);
    keys[block] = (upper >>> 11) * 2 ** 32 + (finished(b + upper) >>> 0) + 1;
  }
  return keys;
}

function scrambled(word: number, factor: number, bits: number, after: number): number {
  return Math.imul(rotated(Math.imul(word, factor), bits), after);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function finished(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
