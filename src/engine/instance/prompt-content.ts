/**
 * The part of a prompt that other prompts may begin with too: its first `pieces.length * pieceTokens` tokens
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
  /** What other prompts may begin with too; null where it is not known. */
  readonly content: PromptContent | null;
  /** By now: after a preemption, these are computed again behind the prompt. */
  readonly generatedTokens: number;
}

/** The first `tokens` tokens of a prompt, as text that is equal only where they are; null where they are not known. */
export function beginningOf({ content, promptTokens }: Prompt, tokens: number): string | null {
  if (content === null || promptTokens < tokens) return null;
  const { pieces, pieceTokens } = content;
  const count = Math.ceil(tokens / pieceTokens);
  if (pieces.length < count) return null;
  let text = `${pieceTokens}`;
  for (let i = 0; i < count; i++) text += ` ${pieces[i]}`;
  // The last of these may be cut short.
  return `${text} ${Math.min(count * pieceTokens, promptTokens)}`;
}
