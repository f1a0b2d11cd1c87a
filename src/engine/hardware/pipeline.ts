import type { Clock } from '../../core/clock.ts';
import type { Batch } from '../cost/batch.ts';

/** Runs batches: GPUs in a row, each with its part of the layers. */
export interface Executor {
  /** Batches that may be under way at once. */
  readonly depth: number;
  /** The share of a GPU's processors for which `batch` is timed, which runs next; 1: the whole GPU. */
  shareFor(batch: Batch): number;
  /**
   * Starts a batch now, which takes `stageUs` in each stage. `done`: its results are there; `free`: the next batch may
   * start. When both are due at the same time, `done` is called first. `batch` is left as it is until then.
   */
  run(stageUs: number, done: () => void, free: () => void, batch: Batch): void;
}

/** `stages` GPUs (or groups of them), each with a part of the layers: batches follow one another without overtaking. */
export function pipeline(clock: Clock, stages: number): Executor {
  return stages === 1 ? new OneStage(clock) : new Stages(clock, stages);
}

/** The common case, which allocates nothing per batch. */
class OneStage implements Executor {
  readonly depth = 1;
  readonly #clock: Clock;
  #done = (): void => undefined;
  #free = (): void => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  shareFor(): number {
    return 1;
  }

  run(stageUs: number, done: () => void, free: () => void): void {
    this.#done = done;
    this.#free = free;
    this.#clock.at(this.#clock.now() + stageUs, this.#finish);
  }

  readonly #finish = (): void => {
    const free = this.#free;
    this.#done();
    free();
  };
}

class Stages implements Executor {
  readonly depth: number;
  readonly #clock: Clock;
  /** When each stage is free again. */
  readonly #freeUs: number[];

  constructor(clock: Clock, stages: number) {
    this.depth = stages;
    this.#clock = clock;
    this.#freeUs = Array.from({ length: stages }, () => 0);
  }

  shareFor(): number {
    return 1;
  }

  run(stageUs: number, done: () => void, free: () => void): void {
    const clock = this.#clock;
    let atUs = clock.now();
    for (let stage = 0; stage < this.depth; stage++) {
      atUs = Math.max(atUs, this.#freeUs[stage] ?? 0) + stageUs;
      this.#freeUs[stage] = atUs;
    }
    clock.at(atUs, done);
    clock.at(this.#freeUs[0] ?? atUs, free);
  }
}
