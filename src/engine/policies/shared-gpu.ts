import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import { decodeAll } from './decode-pass.ts';
import type { IterationPolicy } from './policy.ts';

/** Smaller comes first. Of a request at a time, microseconds. */
export type PromptRank = (sequence: SequenceView, nowUs: number) => number;

/** First come, first served. */
export const byArrivalTime: PromptRank = ({ arrivalUs }) => arrivalUs;

/**
 * Nexus' shortest prompt first (section 4.3): the tokens that are left, less `ageingTokensPerS` for each second since the
 * request arrived.
 */
export function shortestFirst(ageingTokensPerS: number): PromptRank {
  return (sequence, nowUs) => missingTokens(sequence) - (ageingTokensPerS * (nowUs - sequence.arrivalUs)) / 1e6;
}

export interface SharedPrefillOptions {
  /** Tokens of one iteration. */
  readonly tokenBudget: number;
  /** Requests whose prompts are computed at a time. */
  readonly maxSeqs: number;
  readonly rank: PromptRank;
}

/**
 * The prompts of a GPU whose decodes run beside them, in one memory: in the order of `rank`, begun ones too, whole rests
 * until the next does not fit into the budget; the first is cut to it. An admitted prompt has memory for all of it and for
 * its first decode, so that prompts which overtake each other never wait for each other's memory (a choice of Reprise).
 */
export function sharedPrefill({ tokenBudget, maxSeqs, rank }: SharedPrefillOptions): IterationPolicy {
  return (scheduler) => {
    const { running, waiting, nowUs } = scheduler;
    scheduler.sortWaiting((sequence) => rank(sequence, nowUs));
    const begun = running.toSorted((a, b) => rank(a, nowUs) - rank(b, nowUs));
    let budget = tokenBudget;
    let mayAdmit = true;
    for (let i = 0; budget > 0;) {
      const fresh = mayAdmit && running.length < maxSeqs ? waiting.at(0) : undefined;
      const next = first(begun[i], fresh, rank, nowUs);
      if (next === undefined) return;
      const left = missingTokens(next) - next.cachedTokens();
      if (left > budget && budget < tokenBudget) return;
      const tokens = Math.min(left, budget);
      if (next === begun[i]) {
        scheduler.run(next, tokens);
        i++;
      } else {
        // Those that are begun have their memory, and go on.
        mayAdmit = scheduler.admit(next, tokens, tokensOf(next) + 1);
        if (!mayAdmit) continue;
      }
      budget -= tokens;
    }
  };
}

/** A begun prompt before a waiting one of the same rank. */
function first<S extends SequenceView>(
  started: S | undefined,
  fresh: S | undefined,
  rank: PromptRank,
  nowUs: number,
): S | undefined {
  if (started === undefined || fresh === undefined) return started ?? fresh;
  return rank(started, nowUs) <= rank(fresh, nowUs) ? started : fresh;
}

/**
 * The decodes of a GPU whose prompts are computed beside them: all that have their memory, first come, first served. The
 * last of them loses its memory when there is none left, and is computed again where prompts are.
 */
export function sharedDecode({ maxSeqs }: { readonly maxSeqs: number }): IterationPolicy {
  return (scheduler) => {
    decodeAll(scheduler, (victim) => scheduler.preempt(victim, 'head'));
    const { running, waiting } = scheduler;
    for (let i = 0; running.length < maxSeqs;) {
      const next = waiting.at(i);
      if (next === undefined) return;
      if (next.heldBlocks() === 0) i++;
      else if (!scheduler.admit(next, 1)) return;
    }
  };
}
