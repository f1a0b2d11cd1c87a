import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { nearestRank, Samples } from './samples.ts';

/** Requests that waited for a place in flight (`--max-in-flight`), and for how long. */
export class HeldCollector {
  readonly #maxInFlight: number | null;
  readonly #waitsUs = new Samples();
  #judged = 0;
  #stillWaiting = 0;

  /** `maxInFlight`: the cap; null: none. */
  constructor(maxInFlight: number | null) {
    this.#maxInFlight = maxInFlight;
  }

  /** `isStopped`: the record says nothing, because the run was interrupted first. */
  add({ held_us, outcome }: RequestRecord, isStopped: boolean): void {
    if (isStopped) {
      if (outcome === 'unsent' && held_us !== null) this.#stillWaiting++;
      return;
    }
    this.#judged++;
    if (held_us !== null && held_us > 0) this.#waitsUs.push(held_us);
  }

  result(): Summary['held'] {
    if (this.#maxInFlight === null) return null;
    const waits = this.#waitsUs.sorted();
    const ms = (permille: number): number => (nearestRank(waits, permille) ?? 0) / 1000;
    return {
      max_in_flight: this.#maxInFlight,
      requests: waits.length,
      share: this.#judged === 0 ? 0 : waits.length / this.#judged,
      wait_ms: waits.length === 0 ? null : { p50: ms(500), p90: ms(900), p99: ms(990), max: ms(1000) },
      still_waiting: this.#stillWaiting,
    };
  }
}
