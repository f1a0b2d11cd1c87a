import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import type { ChunkSchedule } from './chunk-schedule.ts';
import { byArrival, decodePass } from './decode-pass.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';
import { fitsAboveWatermark } from './watermark.ts';

export interface SarathiOptions {
  /**
   * Tokens of one iteration, decodes included, up to which prompts fill it; a function of the computed part of a
   * prompt.
   */
  readonly tokenBudget: ChunkSchedule;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
}

/**
 * Sarathi-Serve's stall-free batching (OSDI '24; sarathi/core/scheduler/sarathi_scheduler.py): all decodes go on in
 * every iteration; the rest of the budget goes to started prompts, then to waiting ones, which allocate the blocks of
 * their whole prompt at once. When memory runs out, the latest arrival is preempted and recomputed.
 *
 * Sarathi-Serve forgets what a preempted request had computed only after the decision (base_sequence_manager.py,
 * `on_schedule`). In the decision that preempted it, it can be admitted for no more than what was left of its prompt;
 * where nothing was, it blocks all behind it.
 */
export function sarathi({ tokenBudget, maxSeqs }: SarathiOptions): IterationPolicy {
  return (scheduler) => {
    const order = byArrival(scheduler.running);
    const leftOfPreempted = new Map<SequenceView, number>();
    const { decodes, left } = decodePass(scheduler, order, (victim) =>
      leftOfPreempted.set(victim, victim.isDecoding ? 0 : missingTokens(victim)),
    );
    let batched = decodes;
    for (let i = 0; i < left; i++) {
      const sequence = order[i];
      if (sequence === undefined || sequence.isDecoding) continue;
      const tokens = Math.min(missingTokens(sequence), tokenBudget(sequence.computedTokens) - batched);
      // Its blocks were allocated when it was admitted.
      if (tokens > 0 && scheduler.run(sequence, tokens)) batched += tokens;
    }
    admitWaiting(scheduler, batched, { tokenBudget, maxSeqs }, leftOfPreempted);
  };
}

/** First come, first served: a request that does not fit blocks those behind it. */
function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  batchedTokens: number,
  { tokenBudget, maxSeqs }: SarathiOptions,
  leftOfPreempted: ReadonlyMap<SequenceView, number>,
): void {
  const { running, waiting } = scheduler;
  let batched = batchedTokens;
  while (running.length < maxSeqs) {
    const sequence = waiting.at(0);
    if (sequence === undefined) return;
    const cached = sequence.cachedTokens();
    const missing = missingTokens(sequence) - cached;
    const begin = sequence.computedTokens + cached;
    const tokens = Math.min(leftOfPreempted.get(sequence) ?? missing, tokenBudget(begin) - batched);
    if (tokens <= 0 || !fitsAboveWatermark(scheduler, sequence)) return;
    if (!scheduler.admit(sequence, tokens, begin + missing)) return;
    batched += tokens;
  }
}
