import { missingTokens } from '../instance/sequence.ts';
import type { IterationPolicy } from './policy.ts';
import { vllmV1, type VllmV1Options } from './vllm-v1.ts';

/**
 * vLLM v1 where requests come with KV memory. One thing is ours: the first in the queue, preempted here, may wait for
 * blocks that requests behind it hold; when nothing else runs, the first that has memory does.
 */
export function vllmPdDecode(options: VllmV1Options): IterationPolicy {
  const decide = vllmV1(options);
  return (scheduler) => {
    decide(scheduler);
    const { running, waiting } = scheduler;
    for (let i = 0; i < waiting.length && running.length === 0; i++) {
      const sequence = waiting.at(i);
      if (sequence === undefined || sequence.heldBlocks() === 0) continue;
      scheduler.admit(sequence, Math.min(missingTokens(sequence), options.tokenBudget));
    }
  };
}
