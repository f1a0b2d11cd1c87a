import type { KvCacheView } from '../kv/kv-cache.ts';
import type { SequenceView } from '../instance/sequence.ts';
import type { QueueView } from '../instance/waiting-queue.ts';

/**
 * What a policy sees between two iterations, and what it can do. Whatever it does takes effect at once, so that its
 * next look at memory and queues already shows it: who is admitted first may fill the cache, or take the last block,
 * of whoever comes second.
 */
export interface Scheduler<S extends SequenceView> {
  readonly nowUs: number;
  /** Those that hold memory here and may compute, in order of admission. */
  readonly running: readonly S[];
  readonly waiting: QueueView<S>;
  /** Those whose memory was copied to the host, in order of that. */
  readonly swapped: QueueView<S>;
  readonly memory: KvCacheView;

  /**
   * A running one computes its next `tokens` tokens in this iteration, and holds memory for `holdTokens` in all (by
   * default, what it will have computed). False, and nothing changes, if there is too little memory.
   */
  run(sequence: S, tokens: number, holdTokens?: number): boolean;
  /**
   * A waiting or swapped one joins the end of the running, with what the cache has of it, and computes as in `run`, or
   * nothing yet.
   */
  admit(sequence: S, tokens: number, holdTokens?: number): boolean;
  /** A running one loses its memory and waits again, to be computed anew. It must not compute in this iteration. */
  preempt(sequence: S, to: 'head' | 'tail'): void;
  /**
   * A running one has its memory copied to the host and waits to be admitted again. It must not compute in this
   * iteration.
   */
  swapOut(sequence: S): void;
  /** The first `count` of the running go behind the others, in their order. */
  rotate(count: number): void;
  /** The waiting stand by `key`, the lowest first, and among equals as before. Asks once for each, from the head. */
  sortWaiting(key: (sequence: S) => number): void;
}

/**
 * Decides one iteration: who computes how many tokens, who joins, who leaves. Doing nothing means to wait for the next
 * arrival. Generic in the sequence, so that a policy cannot reach what `SequenceView` does not show: the true output
 * length.
 */
export type IterationPolicy = <S extends SequenceView>(scheduler: Scheduler<S>) => void;
