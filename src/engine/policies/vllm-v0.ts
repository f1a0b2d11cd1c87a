import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import { byArrival, decodePass } from './decode-pass.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';
import { fitsAboveWatermark } from './watermark.ts';

export interface VllmV0Options {
  /** Prompt tokens of one iteration (`max_num_batched_tokens`); no less than any prompt has, for none is cut. */
  readonly tokenBudget: number;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
}

/**
 * vLLM v0's scheduler (vllm/core/scheduler.py, `_schedule_default`): prompts first. Whenever one that waits fits, an
 * iteration computes whole prompts and nothing else, and all decodes stall; otherwise all decode. When memory runs out,
 * the latest arrived is preempted and will be recomputed.
 */
export function vllmV0({ tokenBudget, maxSeqs }: VllmV0Options): IterationPolicy {
  return (scheduler) => {
    if (admitPrompts(scheduler, tokenBudget, maxSeqs)) return;
    const { decodes } = decodePass(scheduler, byArrival(scheduler.running));
    // An iteration without work takes no time: vLLM looks again at once.
    if (decodes === 0) admitPrompts(scheduler, tokenBudget, maxSeqs);
  };
}

/** First come, first served: a request that does not fit holds up those behind it. */
function admitPrompts<S extends SequenceView>(scheduler: Scheduler<S>, tokenBudget: number, maxSeqs: number): boolean {
  const { running, waiting } = scheduler;
  let budget = tokenBudget;
  while (running.length < maxSeqs) {
    const sequence = waiting.at(0);
    if (sequence === undefined) break;
    const tokens = missingTokens(sequence) - sequence.cachedTokens();
    if (tokens > budget || !fitsAboveWatermark(scheduler, sequence) || !scheduler.admit(sequence, tokens)) break;
    budget -= tokens;
  }
  return budget < tokenBudget;
}
