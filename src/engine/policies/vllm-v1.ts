import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import type { QueueView } from '../instance/waiting-queue.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface VllmV1Options {
  /** Tokens of one iteration, decodes and prefill chunks together (`max_num_batched_tokens`). */
  readonly tokenBudget: number;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
  /**
   * Whether an admitted request allocates memory for all its missing tokens at once. Needed with several batches under
   * way, because a batch preempts its own requests only: two batches with half a prompt each could preempt each other
   * for ever.
   */
  readonly reservePrompts: boolean;
  /**
   * Whether all missing tokens of a request must find memory for it to be admitted, though its first chunk alone takes
   * any (`scheduler_reserve_full_isl`).
   */
  readonly wholeMustFit?: boolean;
  /** Whether waiting requests that hold memory, because it came over a link, are before all others. */
  readonly holdersFirst?: boolean;
}

/**
 * vLLM v1's scheduler (vllm/v1/core/sched/scheduler.py, FCFS, chunked prefill): no phases, only tokens that a request
 * has yet to compute. Running requests come first, in order of admission; when memory runs out, the last admitted one
 * is preempted and recomputed; waiting requests follow only if none was preempted.
 *
 * Decided ahead (async_scheduler.py), a request whose last token is in flight keeps its place and its memory, and one
 * that was preempted waits for its token in flight before it can be admitted again; others may overtake it.
 */
export function vllmV1(options: VllmV1Options): IterationPolicy {
  return (scheduler) => {
    const { budget, preempted } = runRunning(scheduler, options.tokenBudget);
    if (!preempted) admitWaiting(scheduler, budget, options);
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
    if (sequence.isSpent) continue;
    const tokens = Math.min(missingTokens(sequence), budget);
    while (!scheduler.run(sequence, tokens)) {
      const victim = running.at(-1);
      if (victim === undefined) break;
      scheduler.preempt(victim, 'head');
      preempted = true;
      // No later request was left to preempt.
      if (victim === sequence) return { budget, preempted };
    }
    budget -= tokens;
  }
  return { budget, preempted };
}

function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  tokenBudget: number,
  { maxSeqs, reservePrompts, wholeMustFit = false, holdersFirst = false }: VllmV1Options,
): void {
  const { running, waiting, memory } = scheduler;
  let budget = tokenBudget;
  while (budget > 0 && running.length < maxSeqs) {
    const sequence = firstOf(waiting, holdersFirst);
    if (sequence === undefined) return;
    if (wholeMustFit && sequence.neededBlocks(tokensOf(sequence)) > memory.freeBlocks) return;
    const tokens = Math.min(missingTokens(sequence) - sequence.cachedTokens(), budget);
    // First come, first served: a request that does not fit blocks those behind it.
    const hold = reservePrompts ? tokensOf(sequence) : undefined;
    if (!scheduler.admit(sequence, tokens, hold)) return;
    budget -= tokens;
  }
}

/** The first that may be admitted. */
function firstOf<S extends SequenceView>(waiting: QueueView<S>, holdersFirst: boolean): S | undefined {
  let first: S | undefined;
  for (let i = 0; i < waiting.length; i++) {
    const sequence = waiting.at(i);
    if (sequence === undefined || sequence.tokensInFlight > 0) continue;
    if (!holdersFirst || sequence.heldBlocks() > 0) return sequence;
    first ??= sequence;
  }
  return first;
}
