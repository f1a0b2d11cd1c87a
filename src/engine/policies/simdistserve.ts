import type { SequenceView } from '../instance/sequence.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

/** Tokens of context, each new one included, that a decode batch attends to at most (simdistserve, hard-coded). */
export const DECODE_CONTEXT_TOKENS = 50_000;

/** The prefill worker of DistServe's simulator: every prompt in the queue, from the head as long as they fit whole. */
export function simdistservePrefill(batchTokens: number): IterationPolicy {
  return (scheduler) => admitPrompts(scheduler, batchTokens);
}

/** Its decode worker: those whose prompt is computed join the queue, and take turns. */
export function simdistserveDecode(): IterationPolicy {
  const turns = new DecodeTurns();
  return (scheduler) => {
    const had = turns.ended(scheduler);
    for (let next = scheduler.waiting.at(0); next !== undefined; next = scheduler.waiting.at(0))
      scheduler.admit(next, 0);
    // Behind the requests that came meanwhile.
    scheduler.rotate(had);
    turns.begin(scheduler);
  };
}

/** Its vLLM: whenever a prompt waits, prompts run and decodes stall; memory is no limit to decodes. */
export function simdistserveVllm(batchTokens: number): IterationPolicy {
  const turns = new DecodeTurns();
  return (scheduler) => {
    scheduler.rotate(turns.ended(scheduler));
    if (scheduler.waiting.length > 0) admitPrompts(scheduler, batchTokens);
    else turns.begin(scheduler);
  };
}

function admitPrompts<S extends SequenceView>(scheduler: Scheduler<S>, batchTokens: number): void {
  let left = batchTokens;
  for (let next = scheduler.waiting.at(0); next !== undefined; next = scheduler.waiting.at(0)) {
    left -= next.promptTokens;
    if (left < 0 || !scheduler.admit(next, next.promptTokens)) return;
  }
}

/**
 * Decode batches are formed anew each iteration, from the head of the queue as long as their context fits; the requests
 * of a batch go to the tail.
 */
class DecodeTurns {
  /** The last batch was the first `#batch` of `#running`. */
  #batch = 0;
  #running = 0;

  /**
   * To be asked first, once an iteration is over: how many of its batch, still the first of the running, have not
   * ended.
   */
  ended<S extends SequenceView>({ running }: Scheduler<S>): number {
    const left = Math.max(0, this.#batch - (this.#running - running.length));
    this.#batch = this.#running = 0;
    return left;
  }

  begin<S extends SequenceView>(scheduler: Scheduler<S>): void {
    const { running } = scheduler;
    let context = 0;
    for (const sequence of running) {
      context += sequence.computedTokens + 1;
      if (context > DECODE_CONTEXT_TOKENS) break;
      scheduler.run(sequence, 1);
      this.#batch++;
    }
    this.#running = running.length;
  }
}
