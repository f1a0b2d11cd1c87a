import { pieceEnd, type Prompt } from '../instance/prompt-content.ts';

const NO_KEYS = new Float64Array();

/**
 * A key for each whole block of a prompt that others may share, and of the output too where later turns of its session
 * may: equal keys mean equal tokens up to the end of that block. Each key is 53 bits of the hash of the block's pieces
 * and turns and of all before them, so that it identifies a whole prefix (with a million blocks, two keys collide once
 * in 20,000 runs), never 0. A piece that the prompt's end cuts short is hashed with its length: its tokens differ from
 * those of the whole piece.
 */
export function contentKeys({ content, promptTokens }: Prompt, blockTokens: number): Float64Array {
  if (content === null) return NO_KEYS;
  const { pieces, pieceTokens, session } = content;
  const piecesEnd = pieceEnd(content, promptTokens);
  const cutAt = session === undefined ? Math.max(promptTokens, piecesEnd) : piecesEnd;
  const turns = session?.turns ?? [];
  const keys = new Float64Array(Math.floor((session?.endTokens ?? piecesEnd) / blockTokens));
  const lanes = new Int32Array([pieceTokens, 0]);
  /** The turn in which the block begins, or the first. */
  let turn = 0;
  for (let block = 0; block < keys.length; block++) {
    // A piece of many blocks is hashed into each of them; a piece of a few tokens into the block where it begins and
    // the block where it ends. The pieces before it determine which part of it a block holds. So it is with turns.
    const blockEnd = (block + 1) * blockTokens;
    const end = Math.ceil(Math.min(blockEnd, piecesEnd) / pieceTokens);
    for (let i = Math.floor((block * blockTokens) / pieceTokens); i < end; i++)
      absorb(lanes, pieces[i] ?? 0, Math.min(0, cutAt - (i + 1) * pieceTokens));
    if (blockEnd > piecesEnd)
      for (;;) {
        absorb(lanes, turns[turn]?.id ?? 0, OF_A_TURN);
        const nextBegin = turns[turn + 1]?.begin ?? Infinity;
        if (nextBegin <= blockEnd) turn++;
        if (nextBegin >= blockEnd) break;
      }
    const [a = 0, b = 0] = [lanes[0], lanes[1]];
    const upper = finished(a + b);
    keys[block] = (upper >>> 11) * 2 ** 32 + (finished(b + upper) >>> 0) + 1;
  }
  return keys;
}

/** Where a piece has the tokens by which it is cut short, 0 or below. */
const OF_A_TURN = 1;

/** MurmurHash3 (x86, 128 bits), two of its four lanes. */
function absorb(lanes: Int32Array, id: number, cut: number): void {
  const high = Math.floor(id / 2 ** 32) | 0;
  let [a = 0, b = 0] = [lanes[0], lanes[1]];
  a ^= scrambled((id | 0) ^ Math.imul(high, 0x9e3779b1), 0x239b961b, 15, 0xab0e9789);
  a = (Math.imul(rotated(a, 19) + b, 5) + 0x561ccd1b) | 0;
  b ^= scrambled(((id | 0) + high) ^ cut, 0x38b34ae5, 17, 0xa1e38b93);
  b = (Math.imul(rotated(b, 13) + a, 5) + 0x96cd1c35) | 0;
  lanes[0] = a;
  lanes[1] = b;
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
