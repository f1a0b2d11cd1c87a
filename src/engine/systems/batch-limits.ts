import type { OptionReader, OptionText } from './option-reader.ts';

/** What an iteration may hold. */
export type BatchLimits = { readonly token_budget: number; readonly max_seqs: number };

interface TokenBudget extends OptionText {
  /** 1, if left out. */
  readonly min?: number;
  readonly fallback: number;
}

export function readBatchLimits(
  given: OptionReader,
  tokens: TokenBudget,
  seqs: { readonly fallback: number; readonly source: string },
): BatchLimits {
  return {
    token_budget: readTokenBudget(given, tokens),
    max_seqs: given.integer('max_seqs', { min: 1, max: 65536, about: 'requests that run at a time', ...seqs }),
  };
}

export function readTokenBudget(given: OptionReader, tokens: TokenBudget): number {
  return given.integer('token_budget', { min: 1, max: 2 ** 20, ...tokens });
}
