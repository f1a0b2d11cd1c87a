import { missingTokens, type SequenceView } from '../sequence.ts';
import type { InstanceView, IterationPolicy, Step } from './policy.ts';

export interface VllmV1Options {
  /** Tokens of one iteration, decodes and prefill chunks together (`max_num_batched_tokens`). */
  readonly tokenBudget: number;
  /** Requests running at once (`max_num_seqs`). */
  readonly maxSeqs: number;
}

/**
 * vLLM v1's scheduler (vllm/v1/core/sched/scheduler.py, FCFS, chunked prefill): no phases, only tokens that a request
 * has yet to compute. The running come first, in order of admission; when memory runs out, the last admitted is
 * preempted and will be recomputed; the waiting follow only if no one was preempted.
 */
export function vllmV1({ tokenBudget, maxSeqs }: VllmV1Options): IterationPolicy {
  return (view, step) => {
    const left = scheduleRunning(view, step, tokenBudget);
    if (step.preempted.length === 0) admitWaiting(view, step, left, maxSeqs);
  };
}

interface Left {
  budget: number;
  free: number;
}

function scheduleRunning<S extends SequenceView>(
  { running, pool }: InstanceView<S>,
  step: Step<S>,
  tokenBudget: number,
): Left {
  const left = { budget: tokenBudget, free: pool.freeBlocks };
  let kept = running.length;
  for (let i = 0; i < kept && left.budget > 0; i++) {
    const sequence = running[i];
    if (sequence === undefined) break;
    const tokens = Math.min(missingTokens(sequence), left.budget);
    const blocks = pool.blocksFor(sequence.computedTokens + tokens) - sequence.heldBlocks;
    while (blocks > left.free && kept > i) {
      const victim = running[--kept];
      if (victim === undefined) break;
      step.preempted.push(victim);
      left.free += victim.heldBlocks;
    }
    // It was the last one itself: there is no one left to preempt for it.
    if (kept === i) break;
    take(step, left, sequence, tokens, blocks);
  }
  return left;
}

function admitWaiting<S extends SequenceView>(
  { running, waiting, pool }: InstanceView<S>,
  step: Step<S>,
  left: Left,
  maxSeqs: number,
): void {
  const places = Math.min(waiting.length, maxSeqs - running.length);
  for (let i = 0; i < places && left.budget > 0; i++) {
    const sequence = waiting.at(i);
    if (sequence === undefined) break;
    const tokens = Math.min(missingTokens(sequence), left.budget);
    const blocks = pool.blocksFor(sequence.computedTokens + tokens) - sequence.heldBlocks;
    // First come, first served: whoever does not fit holds up those behind.
    if (blocks > left.free) break;
    step.admitted.push(sequence);
    take(step, left, sequence, tokens, blocks);
  }
}

function take<S extends SequenceView>(step: Step<S>, left: Left, sequence: S, tokens: number, blocks: number): void {
  step.batch.push(sequence);
  step.tokens.push(tokens);
  left.budget -= tokens;
  left.free -= blocks;
}
