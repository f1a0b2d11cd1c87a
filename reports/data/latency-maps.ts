import type { RequestRecord } from '../../src/core/record.ts';
import { isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { Samples } from '../../src/metrics/samples.ts';
import { Concurrency } from './concurrency.ts';
import { type HeatMap, heatMap } from './heat.ts';

export interface LatencyMaps {
  /** TTFT of answered requests by planned input tokens. */
  readonly ttft_by_input: HeatMap;
  /** TPOT of answered requests by the mean number in flight between their first and last token, themselves included. */
  readonly tpot_by_concurrency: HeatMap;
}

/** Collects latencies with the values they may depend on. Requests of warm-up and cool-down count as in flight too. */
export class LatencyMapCollector {
  readonly #tokens = new Samples();
  readonly #ttftUs = new Samples();
  readonly #inFlight = new Concurrency();
  /** First and last token of each request in `#tpotUs`, from the run's start. */
  readonly #firstUs = new Samples();
  readonly #lastUs = new Samples();
  readonly #tpotUs = new Samples();

  add(record: RequestRecord): void {
    const { due_us, sent_us, end_us, token_times_us: times } = record;
    if (sent_us !== null) this.#inFlight.add(sent_us, end_us ?? Infinity);
    if (!record.measured || !isAnswered(record)) return;
    const tokens = record.input_tokens_planned ?? record.input_tokens;
    if (tokens !== null) {
      this.#tokens.push(tokens);
      this.#ttftUs.push(ttftUs(record));
    }
    const tpot = tpotUs(record);
    if (tpot === null || tpot <= 0) return;
    this.#firstUs.push(due_us + ttftUs(record));
    this.#lastUs.push(due_us + (times.at(-1) ?? 0));
    this.#tpotUs.push(tpot);
  }

  result(): LatencyMaps {
    const mean = this.#inFlight.means();
    const lastUs = this.#lastUs.values();
    return {
      ttft_by_input: heatMap(this.#tokens.values(), this.#ttftUs.values()),
      tpot_by_concurrency: heatMap(
        this.#firstUs.values().map((first, i) => mean(first, lastUs[i] ?? first)),
        this.#tpotUs.values(),
      ),
    };
  }
}
