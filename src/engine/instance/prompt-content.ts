import type { SessionTurn } from '../../core/target.ts';

/**
 * The part of a prompt that other prompts may begin with too: its first `pieces.length * pieceTokens` tokens
 * (or all, where the last piece is cut short) as pieces of `pieceTokens` tokens each. Equal ids behind equal
 * predecessors mean equal tokens; a piece that is cut short equals only those that are cut at the same place. Token ids
 * themselves are pieces of one token.
 */
export interface PromptContent {
  readonly pieces: ArrayLike<number>;
  readonly pieceTokens: number;
  /** The pieces go on with all tokens of the output, in which later prompts may begin too. */
  readonly coversOutput?: true;
  /** What stands behind the pieces, output included, where later prompts of its session begin with that too. */
  readonly session?: SessionTokens;
}

/** Tokens that came into being in one session, turn by turn. */
interface SessionTokens {
  /** In order; the first begins where the pieces end, and the last piece may be cut short there. */
  readonly turns: readonly [SessionTurn, ...SessionTurn[]];
  /** Tokens of its prompt and its longest output together. */
  readonly endTokens: number;
}

/** A request as memory sees it. */
export interface Prompt {
  readonly promptTokens: number;
  /** What other prompts may begin with too; null where it is not known. */
  readonly content: PromptContent | null;
  /** By now: after a preemption, these are computed again behind the prompt. */
  readonly generatedTokens: number;
}

/** Leading tokens of a prompt, and of its output where they cover that, that its pieces cover. */
export function pieceEnd({ pieces, pieceTokens, coversOutput, session }: PromptContent, promptTokens: number): number {
  const all = pieces.length * pieceTokens;
  return session?.turns[0].begin ?? (coversOutput === true ? all : Math.min(all, promptTokens));
}

/** The first `tokens` tokens of a prompt, as text that is equal only where they are; null where they are not known. */
export function beginningOf({ content, promptTokens }: Prompt, tokens: number): string | null {
  if (content === null || promptTokens < tokens) return null;
  const { pieces, pieceTokens, session } = content;
  const end = pieceEnd(content, promptTokens);
  if (end < tokens && session === undefined) return null;
  const count = Math.ceil(Math.min(tokens, end) / pieceTokens);
  let text = `${pieceTokens}`;
  for (let i = 0; i < count; i++) text += ` ${pieces[i]}`;
  // The last of these may be cut short.
  text += ` ${Math.min(count * pieceTokens, session === undefined ? promptTokens : end)}`;
  for (const { id, begin } of session?.turns ?? []) if (begin < tokens) text += ` turn ${id}`;
  return text;
}
