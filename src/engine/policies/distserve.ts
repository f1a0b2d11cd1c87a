import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import { decodeAll } from './decode-pass.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface DistservePrefillOptions {
  /** Prompts of one iteration. */
  readonly batchSize: number;
  /** L_m: prompt tokens that saturate the GPU. More of them in one iteration only delay all of them. */
  readonly batchTokens: number;
}

/**
 * Prefill instances (DistServe, section 4.3; distserve/context_stage_scheduler.py): first come, first served, as many
 * prompts as have at most L_m tokens together, or a longer one alone. A computed prompt holds its memory until a decode
 * instance has fetched it, so that this memory is the buffer between the two: while it is full, no prompt starts.
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

export interface DistserveDecodeOptions {
  readonly batchSize: number;
  /** A request that waits here, and holds its blocks, joins only if as many are free besides, as published. */
  readonly countsTwice: boolean;
}

/**
 * Decode instances (distserve/decoding_stage_scheduler.py): all running requests decode; when memory runs out, the last
 * of them is swapped to the host. Swapped requests come back, first in first out, before a new request joins. One thing
 * is a choice of Reprise: an empty batch takes waiting requests even if a swapped one does not fit, or their blocks are
 * not free twice, or the instance would never run again.
 */
export function distserveDecode({ batchSize, countsTwice }: DistserveDecodeOptions): IterationPolicy {
  return (scheduler) => {
    const { running, swapped, waiting, memory } = scheduler;
    decodeAll(scheduler, (victim) => scheduler.swapOut(victim));
    joinFrom(scheduler, swapped, batchSize, () => true);
    if (swapped.length > 0 && running.length > 0) return;
    const fitsTwice = (each: SequenceView): boolean => memory.blocksFor(tokensOf(each)) <= memory.freeBlocks;
    joinFrom(scheduler, waiting, batchSize, (each) => !countsTwice || running.length === 0 || fitsTwice(each));
  };
}

function joinFrom<S extends SequenceView>(
  scheduler: Scheduler<S>,
  queue: Scheduler<S>['waiting'],
  batchSize: number,
  mayJoin: (sequence: S) => boolean,
): void {
  while (scheduler.running.length < batchSize) {
    const next = queue.at(0);
    if (next === undefined || !mayJoin(next) || !scheduler.admit(next, missingTokens(next))) return;
  }
}
