/**
 * The tokens of one request, prompt and output, as far as they can be told apart:
 *
 *     | piece | piece | ... | cut piece | own tokens ...
 *                           ^ wholeTokens            ^ without end
 *                                       ^ sharedTokens
 *
 * Ids are equal only where the tokens are, and then their pieces end at the same place: a piece that the prompt cuts
 * short has an id of its own, and so has what no other request begins with.
 */
export interface TokenString {
  readonly pieces: ArrayLike<number>;
  readonly pieceTokens: number;
  readonly wholeTokens: number;
  readonly sharedTokens: number;
  readonly cutId: number;
  readonly ownId: number;
}

/** The id of the piece that holds the token at position `at`. */
export function pieceAt(string: TokenString, at: number): number {
  if (at >= string.sharedTokens) return string.ownId;
  if (at >= string.wholeTokens) return string.cutId;
  return string.pieces[Math.floor(at / string.pieceTokens)] ?? Number.NaN;
}

/** How far two strings of pieces of one size are equal, up to `end`, given that they are up to `from`. */
export function equalUpTo(a: TokenString, b: TokenString, from: number, end: number): number {
  if (a === b) return end;
  const { pieceTokens } = a;
  const whole = Math.min(a.wholeTokens, b.wholeTokens);
  const stop = Math.min(whole, end) / pieceTokens;
  let piece = Math.floor(from / pieceTokens);
  while (piece < stop && a.pieces[piece] === b.pieces[piece]) piece++;
  const at = Math.max(from, piece * pieceTokens);
  if (at >= end) return end;
  // Behind the whole pieces of either, one more may be equal: a cut one. Own tokens are in no other prompt.
  if (pieceAt(a, at) !== pieceAt(b, at)) return at;
  return Math.min(a.sharedTokens, end);
}
