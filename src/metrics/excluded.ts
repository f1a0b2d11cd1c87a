import type { Manifest } from '../schema/manifest.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';

/** Counts the requests that warm-up and cool-down exclude from the metrics. */
export class ExcludedCollector {
  readonly #measured: Manifest['measured'];
  #warmup = 0;
  #cooldown = 0;
  #ok = 0;

  constructor({ measured }: Manifest) {
    this.#measured = measured;
  }

  /** A record that is not measured. */
  add(record: RequestRecord): void {
    if (record.due_us < (this.#measured?.from_us ?? 0)) this.#warmup++;
    else this.#cooldown++;
    if (record.outcome === 'ok') this.#ok++;
  }

  result(): Summary['left_out'] {
    if (this.#measured === null) return null;
    const { warmup_s, cooldown_s, from_us, to_us } = this.#measured;
    return {
      warmup_s,
      cooldown_s,
      from_s: from_us / 1e6,
      to_s: to_us / 1e6,
      warmup_requests: this.#warmup,
      cooldown_requests: this.#cooldown,
      ok: this.#ok,
    };
  }
}
