/**
 * What a prompt is made of, as far as others may begin with the same: its first `pieces.length * pieceTokens` tokens
 * (or all, where the last piece is cut short) as pieces of `pieceTokens` tokens each. Equal ids behind equal
 * predecessors mean equal tokens; a piece that is cut short equals only those that are cut at the same place. Token ids
 * themselves are pieces of one token.
 */
export interface PromptContent {
  readonly pieces: ArrayLike<number>;
  readonly pieceTokens: number;
}

/** A request as memory sees it. */
export interface Prompt {
  readonly promptTokens: number;
  /** What of the prompt others may share; null where nothing is known of that. */
  readonly content: PromptContent | null;
  /** By now: after a preemption, these are computed again behind the prompt. */
  readonly generatedTokens: number;
}
