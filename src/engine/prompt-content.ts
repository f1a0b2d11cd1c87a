/**
 * What a prompt is made of, as far as others may begin with the same: its first `pieces.length * pieceTokens` tokens
 * (or all, where the last piece is cut short) as pieces of `pieceTokens` tokens each. Equal ids behind equal
 * predecessors mean equal tokens. Token ids themselves are pieces of one token.
 */
export interface PromptContent {
  readonly pieces: ArrayLike<number>;
  readonly pieceTokens: number;
}

/** A prompt as memory sees it: its length, and what of it others may share; null where nothing is known of that. */
export interface Prompt {
  readonly promptTokens: number;
  readonly content: PromptContent | null;
}
