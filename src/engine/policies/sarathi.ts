import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import type { ChunkSchedule } from './chunk-schedule.ts';
import { byArrival, decodePass } from './decode-pass.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';
import { fitsAboveWatermark } from './watermark.ts';

export interface SarathiOptions {
  /** Tokens of one iteration, decodes included, as far as prompts may fill it; by how much of a prompt is computed. */
  readonly tokenBudget: ChunkSchedule;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
}

/**
 * Sarathi-Serve's stall-free batching (OSDI '24; sarathi/core/scheduler/sarathi_scheduler.py): all that decode go on in
 * every iteration; what they leave of the budget goes to prompts begun, then to those that wait, which take the blocks
 * of their whole prompt at once. When memory runs out, the latest arrived is preempted and will be recomputed.
 */
export function sarathi({ tokenBudget, maxSeqs }: SarathiOptions): IterationPolicy {
  return (scheduler) => {
    const order = byArrival(scheduler.running);
    const { decodes, left } = decodePass(scheduler, order);
    let batched = decodes;
    for (let i = 0; i < left; i++) {
      const sequence = order[i];
      if (sequence === undefined || sequence.isDecoding) continue;
      const tokens = Math.min(missingTokens(sequence), tokenBudget(sequence.computedTokens) - batched);
      // Its blocks are there since it was admitted.
      if (tokens > 0 && scheduler.run(sequence, tokens)) batched += tokens;
    }
    admitWaiting(scheduler, batched, tokenBudget, maxSeqs);
  };
}

/** First come, first served: a request that does not fit holds up those behind it. */
function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  batchedTokens: number,
  tokenBudget: ChunkSchedule,
  maxSeqs: number,
): void {
  const { running, waiting } = scheduler;
  let batched = batchedTokens;
  while (running.length < maxSeqs) {
    const sequence = waiting.at(0);
    if (sequence === undefined) return;
    const cached = sequence.cachedTokens();
    const missing = missingTokens(sequence) - cached;
    const begin = sequence.computedTokens + cached;
    const tokens = Math.min(missing, tokenBudget(begin) - batched);
    if (tokens <= 0 || !fitsAboveWatermark(scheduler, sequence)) return;
    if (!scheduler.admit(sequence, tokens, begin + missing)) return;
    batched += tokens;
  }
}
