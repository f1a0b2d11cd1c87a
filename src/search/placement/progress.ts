import { unitWords, type Group } from '../../schema/placement.ts';
import type { GoodputResult } from '../goodput/simulated.ts';

/** Receives how many of all configurations are done, and the best unit so far. */
export type OnProgress = (done: number, of: number, best: string | null) => void;

/** Counts the simulations and configurations of a search. */
export class Progress {
  simulations = 0;
  readonly #of: number;
  readonly #onProgress: OnProgress;
  #done = 0;
  #best: string | null = null;
  #most = 0;

  constructor(of: number, onProgress: OnProgress) {
    this.#of = of;
    this.#onProgress = onProgress;
  }

  /** Configurations that need no simulation. */
  skip(count: number): void {
    this.#done += count;
    this.#onProgress(this.#done, this.#of, this.#best);
  }

  /** `unit`: the unit whose goodput this is; null for a phase alone. */
  add({ goodput, simulations }: GoodputResult, unit: readonly Group[] | null): void {
    this.simulations += simulations;
    if (unit !== null && goodput.goodput_rps_per_gpu > this.#most) {
      this.#most = goodput.goodput_rps_per_gpu;
      this.#best = `${unitWords(unit)}: ${this.#most.toFixed(2)} requests/s a GPU`;
    }
    this.skip(1);
  }
}
