import type { SequenceView } from '../instance/sequence.ts';
import type { Scheduler } from './policy.ts';

/**
 * The running requests in order of arrival. They are in that order already, except with several batches under way: then
 * a request that was preempted in another batch may stand behind later arrivals.
 */
export function byArrival<S extends SequenceView>(running: readonly S[]): readonly S[] {
  let lastUs = Number.NEGATIVE_INFINITY;
  for (const { arrivalUs } of running) {
    if (arrivalUs < lastUs) return running.toSorted((a, b) => a.arrivalUs - b.arrivalUs);
    lastUs = arrivalUs;
  }
  return running;
}

/**
 * Decodes all decoding requests of `order`, as in vLLM v0 and in Sarathi-Serve, which began as a copy of it: each needs
 * a free block, though its last block may have room; without a free block the last request in order is preempted, at
 * worst the request itself. Returns the number of decodes, and how many of `order`, from its head, still run.
 * `onPreempt` is called before each preemption.
 */
export function decodePass<S extends SequenceView>(
  scheduler: Scheduler<S>,
  order: readonly S[],
  onPreempt: (victim: S) => void = () => undefined,
): { decodes: number; left: number } {
  const { memory } = scheduler;
  let left = order.length;
  let decodes = 0;
  for (let i = 0; i < left; i++) {
    const sequence = order[i];
    if (!sequence?.isDecoding) continue;
    while (memory.freeBlocks === 0 && left > i) {
      const victim = order[--left];
      if (victim === undefined) continue;
      onPreempt(victim);
      scheduler.preempt(victim, 'head');
    }
    if (left > i && scheduler.run(sequence, 1)) decodes++;
  }
  return { decodes, left };
}

/**
 * Decodes all running requests in order of admission; where memory is short, `evict` takes it from the last of them, at
 * worst from the request itself.
 */
export function decodeAll<S extends SequenceView>(scheduler: Scheduler<S>, evict: (victim: S) => void): void {
  const { running } = scheduler;
  for (let i = 0; i < running.length; i++) {
    const sequence = running[i];
    if (sequence === undefined) return;
    while (!scheduler.run(sequence, 1)) {
      const victim = running.at(-1);
      if (victim === undefined) return;
      evict(victim);
      if (victim === sequence) return;
    }
  }
}
