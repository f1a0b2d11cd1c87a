import type { PoolView } from '../kv/block-pool.ts';
import type { SequenceView } from '../sequence.ts';
import type { QueueView } from '../waiting-queue.ts';

/** What a policy sees of an instance between two iterations. */
export interface InstanceView<S extends SequenceView> {
  /** Those that hold memory, in order of admission. */
  readonly running: readonly S[];
  readonly waiting: QueueView<S>;
  readonly pool: PoolView;
}

/** What a policy decides for the next iteration; the instance does it in the order of the fields. */
export interface Step<S extends SequenceView> {
  /** Running ones that lose their memory and go back to the head of the queue, one after another. */
  readonly preempted: S[];
  /** Waiting ones that join the end of the running, in this order. */
  readonly admitted: S[];
  /** Those that compute, and how many tokens each; their memory is allocated in this order. */
  readonly batch: S[];
  readonly tokens: number[];
}

/**
 * Decides one iteration by filling `step`, which comes empty (it is reused: policies run once an iteration). Generic in
 * the sequence, so that a policy cannot reach what `SequenceView` does not show: the true output length.
 */
export type IterationPolicy = <S extends SequenceView>(view: InstanceView<S>, step: Step<S>) => void;
