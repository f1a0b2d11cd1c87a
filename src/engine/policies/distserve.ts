import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface DistservePrefillOptions {
  /** Prompts of one iteration. */
  readonly batchSize: number;
  /** L_m: prompt tokens that keep the GPU busy. More of them in one iteration only make all of it later. */
  readonly batchTokens: number;
}

/**
 * Where prompts are computed (DistServe, section 4.3; distserve/context_stage_scheduler.py): first come, first served,
 * as many as stay within L_m tokens together, or a longer one alone. A computed prompt holds its memory until the
 * decode instance has fetched it, so that memory is the buffer between the two: where it is full, no prompt starts.
 */
export function distservePrefill({ batchSize, batchTokens }: DistservePrefillOptions): IterationPolicy {
  return (scheduler) => {
    let left = batchTokens;
    for (let count = 0; count < batchSize; count++) {
      const sequence = scheduler.waiting.at(0);
      if (sequence === undefined) return;
      left -= sequence.promptTokens;
      if ((left < 0 && count > 0) || !scheduler.admit(sequence, sequence.promptTokens)) return;
    }
  };
}

/**
 * Where the rest is decoded (distserve/decoding_stage_scheduler.py): all that run decode; when memory runs out, the
 * last of them is swapped to the host. Swapped requests come back before a new one joins, the first of them first. Two
 * things are ours: an empty batch takes waiting requests though a swapped one does not fit, or nothing would ever run
 * again; and the blocks that a waiting request holds already are not asked for a second time when it joins.
 */
export function distserveDecode({ batchSize }: { readonly batchSize: number }): IterationPolicy {
  return (scheduler) => {
    const { running, swapped, waiting } = scheduler;
    decodeAll(scheduler);
    joinFrom(scheduler, swapped, batchSize);
    if (swapped.length === 0 || running.length === 0) joinFrom(scheduler, waiting, batchSize);
  };
}

function decodeAll<S extends SequenceView>(scheduler: Scheduler<S>): void {
  const { running } = scheduler;
  for (let i = 0; i < running.length; i++) {
    const sequence = running[i];
    if (sequence === undefined) return;
    while (!scheduler.run(sequence, 1)) {
      const victim = running.at(-1);
      if (victim === undefined) return;
      scheduler.swapOut(victim);
      if (victim === sequence) return;
    }
  }
}

function joinFrom<S extends SequenceView>(
  scheduler: Scheduler<S>,
  queue: Scheduler<S>['waiting'],
  batchSize: number,
): void {
  while (scheduler.running.length < batchSize) {
    const next = queue.at(0);
    if (next === undefined || !scheduler.admit(next, missingTokens(next))) return;
  }
}
