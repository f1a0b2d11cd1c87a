import type { KvCacheView } from '../kv/kv-cache.ts';
import type { SequenceView } from '../instance/sequence.ts';
import type { QueueView } from '../instance/waiting-queue.ts';

/**
 * What a policy sees between two iterations, and what it can do. Each action takes effect at once, and memory and
 * queues show it: the request that is admitted first may fill the cache, or take the last block, of the one that is
 * second.
 */
export interface Scheduler<S extends SequenceView> {
  readonly nowUs: number;
  /** The requests that hold memory here and may compute, in order of admission. */
  readonly running: readonly S[];
  readonly waiting: QueueView<S>;
  /** The requests whose memory was copied to the host, in order of that. */
  readonly swapped: QueueView<S>;
  readonly memory: KvCacheView;

  /**
   * A running request computes its next `tokens` tokens in this iteration, and holds memory for `holdTokens` in all (by
   * default, what it will have computed). False, and nothing changes, if there is too little memory.
   */
  run(sequence: S, tokens: number, holdTokens?: number): boolean;
  /**
   * A waiting or swapped request joins the end of the running, with what the cache has of it, and computes as in `run`,
   * or nothing yet.
   */
  admit(sequence: S, tokens: number, holdTokens?: number): boolean;
  /** A running request loses its memory and waits again, to be computed anew. It must not compute in this iteration. */
  preempt(sequence: S, to: 'head' | 'tail'): void;
  /**
   * A running request has its memory copied to the host and waits to be admitted again. It must not compute in this
   * iteration.
   */
  swapOut(sequence: S): void;
  /** The first `count` running requests go behind the others, in their order. */
  rotate(count: number): void;
  /**
   * Sorts the waiting requests by `key`, the lowest first, equals as before. `key` is called once for each, from the
   * head.
   */
  sortWaiting(key: (sequence: S) => number): void;
}

/**
 * Decides one iteration: how many tokens each request computes, which requests join, which leave. Doing nothing means
 * to wait for the next arrival. Generic in the sequence, so that a policy cannot reach what `SequenceView` does not
 * show: the true output length.
 */
export type IterationPolicy = <S extends SequenceView>(scheduler: Scheduler<S>) => void;
