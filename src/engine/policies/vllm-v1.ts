import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface VllmV1Options {
  /** Tokens of one iteration, decodes and prefill chunks together (`max_num_batched_tokens`). */
  readonly tokenBudget: number;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
  /**
   * A request is admitted with memory for all that it must compute. Needed where several batches are under way: a batch
   * preempts its own requests only, and two batches with half a prompt each could preempt each other for ever.
   */
  readonly reservePrompts: boolean;
}

/**
 * vLLM v1's scheduler (vllm/v1/core/sched/scheduler.py, FCFS, chunked prefill): no phases, only tokens that a request
 * has yet to compute. The running come first, in order of admission; when memory runs out, the last admitted is
 * preempted and will be recomputed; the waiting follow only if no request was preempted.
 */
export function vllmV1({ tokenBudget, maxSeqs, reservePrompts }: VllmV1Options): IterationPolicy {
  return (scheduler) => {
    const { budget, preempted } = runRunning(scheduler, tokenBudget);
    if (!preempted) admitWaiting(scheduler, budget, maxSeqs, reservePrompts);
  };
}

function runRunning<S extends SequenceView>(
  scheduler: Scheduler<S>,
  tokenBudget: number,
): { budget: number; preempted: boolean } {
  const { running } = scheduler;
  let budget = tokenBudget;
  let preempted = false;
  for (let i = 0; i < running.length && budget > 0; i++) {
    const sequence = running[i];
    if (sequence === undefined) break;
    const tokens = Math.min(missingTokens(sequence), budget);
    while (!scheduler.run(sequence, tokens)) {
      const victim = running.at(-1);
      if (victim === undefined) break;
      scheduler.preempt(victim, 'head');
      preempted = true;
      // No request behind it was left to preempt for it.
      if (victim === sequence) return { budget, preempted };
    }
    budget -= tokens;
  }
  return { budget, preempted };
}

function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  tokenBudget: number,
  maxSeqs: number,
  reservePrompts: boolean,
): void {
  const { running, waiting } = scheduler;
  let budget = tokenBudget;
  while (budget > 0 && running.length < maxSeqs) {
    const sequence = waiting.at(0);
    if (sequence === undefined) return;
    const tokens = Math.min(missingTokens(sequence) - sequence.cachedTokens(), budget);
    // First come, first served: a request that does not fit holds up those behind it.
    const hold = reservePrompts ? tokensOf(sequence) : undefined;
    if (!scheduler.admit(sequence, tokens, hold)) return;
    budget -= tokens;
  }
}
