/**
 * The tokens of one request, prompt and output, as ids of pieces:
 *
 *     | piece | piece | ... | cut piece | own tokens ...
 *                           ^ wholeTokens            ^ without end
 *                                       ^ sharedTokens
 *
 * Equal ids mean equal tokens, and pieces that end at the same place: a piece that the prompt cuts short has an id of
 * its own, and so have the tokens that no other request begins with.
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
  // After the whole pieces of either, one cut piece may still be equal. Own tokens never are.
  if (pieceAt(a, at) !== pieceAt(b, at)) return at;
  return Math.min(a.sharedTokens, end);
}
