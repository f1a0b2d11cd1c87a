import type { Clock } from '../../core/clock.ts';
import type { SequenceView } from '../instance/sequence.ts';
import type { QueueView } from '../instance/waiting-queue.ts';
import type { InstanceView, Role, Stage } from './routers.ts';

/**
 * What a controller sees of a cluster, and what it can do; each takes effect at once. Instances are named by position.
 */
export interface ClusterControl<S extends SequenceView> {
  readonly nowUs: number;
  readonly instances: readonly InstanceView[];
  /** Requests that the router holds. */
  held(stage: Stage): number;
  /** Requests in the batches of an instance, and those in its queue. */
  running(at: number): readonly S[];
  waiting(at: number): QueueView<S>;
  /** `src/engine/cluster/README.md` says what becomes of the requests there. */
  setRole(at: number, role: Role): void;
  /**
   * A request goes on at instance `to`, with its KV memory over the link. One that computes leaves when its batch has
   * ended. False, and nothing changes, where it is on its way already, where its prompt is kept to be fetched, or where
   * `to` has no memory for it now; where memory has gone by the end of the batch, it stays.
   */
  move(sequence: S, to: number): boolean;
  /** Offers the held requests to the router again. */
  offerHeld(): void;
}

/**
 * Acts on a cluster every so often while a request is in it. Generic in the sequence, as policies are, so that it
 * cannot reach the true output length. May keep state.
 */
export interface Controller {
  readonly periodUs: number;
  act<S extends SequenceView>(cluster: ClusterControl<S>): void;
}

/** Calls `act` at multiples of a period, from `start` until it returns false. */
export class Ticker {
  readonly #clock: Clock;
  readonly #periodUs: number;
  readonly #act: () => boolean;
  /** The last one that was due, in periods: rounding must not make it due again. */
  #last = -1;
  #isDue = false;

  constructor(clock: Clock, periodUs: number, act: () => boolean) {
    this.#clock = clock;
    this.#periodUs = periodUs;
    this.#act = act;
  }

  /** Does nothing while it ticks. */
  start(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#last = Math.max(this.#last, Math.floor(this.#clock.now() / this.#periodUs)) + 1;
    this.#clock.at(this.#last * this.#periodUs, this.#tick);
  }

  readonly #tick = (): void => {
    this.#isDue = false;
    if (this.#act()) this.start();
  };
}
