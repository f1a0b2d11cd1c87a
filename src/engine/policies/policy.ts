import type { KvCacheView } from '../kv/kv-cache.ts';
import type { SequenceView } from '../instance/sequence.ts';
import type { QueueView } from '../instance/waiting-queue.ts';

/**
 * A policy's view between two iterations, and its actions. Each action takes effect at once, so that memory and queues
 * already show it to the next step of the policy: the first admitted request may fill the cache for the second, or take
 * its last block.
 */
export interface Scheduler<S extends SequenceView> {
  readonly nowUs: number;
  /** Whether the batch before is under way meanwhile, so that its output is not known yet. */
  readonly isAhead: boolean;
  /** Requests that hold memory here and may compute, in order of admission. */
  readonly running: readonly S[];
  readonly waiting: QueueView<S>;
  /** Requests whose memory was copied to the host, in order of the swap. */
  readonly swapped: QueueView<S>;
  readonly memory: KvCacheView;

  /**
   * A running request computes its next `tokens` tokens in this iteration, and holds memory for `holdTokens` in all (by
   * default, the tokens that it will have computed). Returns false, and changes nothing, if there is too little memory.
   */
  run(sequence: S, tokens: number, holdTokens?: number): boolean;
  /**
   * A waiting or swapped request joins the end of the running ones, with its cached tokens, and computes as in `run`,
   * or nothing yet.
   */
  admit(sequence: S, tokens: number, holdTokens?: number): boolean;
  /** A running request loses its memory and waits for recomputation. It must not compute in this iteration. */
  preempt(sequence: S, to: 'head' | 'tail'): void;
  /**
   * A running request has its memory copied to the host and waits to be admitted again. It must not compute in this
   * iteration.
   */
  swapOut(sequence: S): void;
  /** What is computed of a running request's prompt, or being computed, may be found by others from now on. */
  publish(sequence: S): void;
  /**
   * Before blocks are taken: where fewer than `blocks` are unused, a cache that evicts ahead drops `evict` of those that
   * are cached and nobody holds, by default as many as are missing.
   */
  makeRoom(blocks: number, evict?: number): void;
  /** Moves the first `count` running requests behind the others, in their order. */
  rotate(count: number): void;
  /** Sorts the running requests, stable. */
  sortRunning(compare: (a: S, b: S) => number): void;
  /** Sorts the waiting requests by `key`, ascending and stable. Calls `key` once per request, from the head. */
  sortWaiting(key: (sequence: S) => number): void;
}

/**
 * Decides one iteration: which requests compute how many tokens, join or leave. Without an action, the instance waits
 * for the next arrival. Generic in the sequence, so that a policy cannot reach the true output length, which
 * `SequenceView` does not show.
 */
export type IterationPolicy = <S extends SequenceView>(scheduler: Scheduler<S>) => void;
