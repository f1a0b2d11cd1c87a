import type { SequenceView } from '../instance/sequence.ts';
import type { Scheduler } from './policy.ts';

/**
 * The running in order of arrival. They are so already, but where several batches are under way: there one preempted in
 * another batch may have come in behind later ones.
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
 * All of `order` that decode do so, as in vLLM v0 and in Sarathi-Serve, which began as a copy of it: each wants a free
 * block, though the one that it writes to may have room; where there is none, the last in order is preempted, itself at
 * worst. Returns how many decode, and how many of `order`, from its head, still run.
 */
export function decodePass<S extends SequenceView>(
  scheduler: Scheduler<S>,
  order: readonly S[],
): { decodes: number; left: number } {
  const { memory } = scheduler;
  let left = order.length;
  let decodes = 0;
  for (let i = 0; i < left; i++) {
    const sequence = order[i];
    if (!sequence?.isDecoding) continue;
    while (memory.freeBlocks === 0 && left > i) {
      const victim = order[--left];
      if (victim !== undefined) scheduler.preempt(victim, 'head');
    }
    if (left > i && scheduler.run(sequence, 1)) decodes++;
  }
  return { decodes, left };
}
