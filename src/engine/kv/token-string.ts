import type { SessionTurn } from '../../core/target.ts';

/**
 * The tokens of one request, prompt and output, as ids of pieces, and of turns where it is one of a session:
 *
 *     | piece | piece | ... | cut piece | own tokens, or the tokens of turns ...
 *                           ^ wholeTokens                                ^ without end
 *                                       ^ sharedTokens
 *
 * Equal ids mean equal tokens, and pieces that end at the same place: a piece that the prompt cuts short has an id of
 * its own, and so have the tokens that no other request begins with, and those of each turn.
 */
export interface TokenString {
  readonly pieces: ArrayLike<number>;
  readonly pieceTokens: number;
  readonly wholeTokens: number;
  readonly sharedTokens: number;
  readonly cutId: number;
  /** In order; the first begins at `sharedTokens`. */
  readonly turns: readonly SessionTurn[];
}

/** The id of the piece or turn that holds the token at position `at`. */
export function pieceAt(string: TokenString, at: number): number {
  if (at >= string.sharedTokens) return string.turns[turnAt(string, at)]?.id ?? Number.NaN;
  if (at >= string.wholeTokens) return string.cutId;
  return string.pieces[Math.floor(at / string.pieceTokens)] ?? Number.NaN;
}

/** Position up to which two strings of equal piece size agree, at most `end`, given that they agree up to `from`. */
export function equalUpTo(a: TokenString, b: TokenString, from: number, end: number): number {
  if (a === b) return end;
  const { pieceTokens } = a;
  const whole = Math.min(a.wholeTokens, b.wholeTokens);
  const stop = Math.min(whole, end) / pieceTokens;
  let piece = Math.floor(from / pieceTokens);
  while (piece < stop && a.pieces[piece] === b.pieces[piece]) piece++;
  const at = Math.max(from, piece * pieceTokens);
  if (at >= end) return end;
  // After the whole pieces of either, one cut piece may still be equal, and the turns of one session behind it.
  if (pieceAt(a, at) !== pieceAt(b, at)) return at;
  return equalTurnsUpTo(a, b, Math.max(at, a.sharedTokens), end);
}

/** The same, of strings whose pieces are equal. A turn begins at the same place in all strings that have it. */
function equalTurnsUpTo(a: TokenString, b: TokenString, from: number, end: number): number {
  let at = from;
  for (let [i, j] = [turnAt(a, from), turnAt(b, from)]; at < end && a.turns[i]?.id === b.turns[j]?.id; i++, j++)
    at = Math.min(a.turns[i + 1]?.begin ?? Infinity, b.turns[j + 1]?.begin ?? Infinity);
  return Math.min(at, end);
}

/** Index of the turn that holds the token at position `at`, behind the pieces. */
function turnAt({ turns }: TokenString, at: number): number {
  let [low, high] = [0, turns.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((turns[middle]?.begin ?? Infinity) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
