import * as fc from 'fast-check';
import type { SessionTurn } from '../../../src/core/target.ts';
import type { Prompt, PromptContent } from '../../../src/engine/instance/prompt-content.ts';

/** More than any request of a test generates. */
const LONGEST_OUTPUT = 1000;

/** Turns that a prompt repeats, and its own: of two sessions, so that beginnings are shared often. */
export const anyTurns = fc.array(fc.record({ pick: fc.nat(1), tokens: fc.integer({ min: 1, max: 5 }) }), {
  minLength: 1,
  maxLength: 4,
});

/** The prompt of the last of these turns, behind the pieces of the first one's `firstTokens` tokens. */
export function sessionPrompt(
  pieces: readonly number[],
  pieceTokens: number,
  firstTokens: number,
  drawn: readonly { readonly pick: number; readonly tokens: number }[],
): { readonly promptTokens: number; readonly content: PromptContent } {
  let at = Math.min(firstTokens, pieces.length * pieceTokens);
  const turns = drawn.map(({ pick, tokens }): SessionTurn => {
    const turn = { id: 1 + 2 * at + pick, begin: at };
    at += tokens;
    return turn;
  });
  const [first = { id: 1, begin: at }, ...others] = turns;
  const session = { turns: [first, ...others], endTokens: at + LONGEST_OUTPUT } as const;
  return { promptTokens: at, content: { pieces, pieceTokens, session } };
}

/** A name of the token at a position that is equal only where the tokens are, given that those before it are. */
export function tokenName({ content, promptTokens }: Prompt, at: number, own: string): string {
  const size = content?.pieceTokens ?? 1;
  const session = content?.session;
  const end = session?.turns[0].begin ?? promptTokens;
  const piece = at < end ? content?.pieces[Math.floor(at / size)] : undefined;
  if (piece !== undefined) return `${piece}.${at % size}/${Math.min(size, end - Math.floor(at / size) * size)}`;
  const turn = session?.turns.findLast(({ begin }) => begin <= at);
  return turn === undefined ? `${own}.${at}` : `turn${turn.id}.${at}`;
}
