import { unitWords, type Arrivals, type Group } from '../../schema/placement.ts';
import type { GoodputResult } from '../goodput/simulated.ts';

/** Receives how many of all configurations are done, and the best unit so far. */
export type OnProgress = (done: number, of: number, best: string | null) => void;

const WITH: Readonly<Record<Arrivals, string>> = { poisson: 'Poisson arrivals', trace: "the trace's own timing" };

/** Counts the simulations and configurations of a search. */
export class Progress {
  simulations = 0;
  readonly #onProgress: OnProgress;
  #of = 0;
  #done = 0;
  #arrivals: Arrivals = 'poisson';
  #best: string | null = null;
  #most = 0;

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  /** Configurations that are to be done besides those of before. */
  expect(count: number): void {
    this.#of += count;
  }

  /** Configurations that need no simulation. */
  skip(count: number): void {
    this.#done += count;
    this.#onProgress(this.#done, this.#of, this.#best);
  }

  /** `unit`: the unit whose goodput this is; null for a phase alone. */
  add({ goodput, simulations }: GoodputResult, unit: readonly Group[] | null, arrivals: Arrivals = 'poisson'): void {
    this.simulations += simulations;
    // Rates with other arrivals are no match for one another.
    if (unit !== null && arrivals !== this.#arrivals) [this.#arrivals, this.#most, this.#best] = [arrivals, 0, null];
    if (unit !== null && goodput.goodput_rps_per_gpu > this.#most) {
      this.#most = goodput.goodput_rps_per_gpu;
      this.#best = `${unitWords(unit)}: ${this.#most.toFixed(2)} requests/s per GPU with ${WITH[arrivals]}`;
    }
    this.skip(1);
  }
}
