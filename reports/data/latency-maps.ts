import type { RequestRecord } from '../../src/core/record.ts';
import { isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import { release, Samples } from '../../src/metrics/samples.ts';
import { Concurrency } from '../../src/metrics/concurrency.ts';
import { follows } from './follows.ts';
import { type HeatMap, heatMap } from './heat.ts';

/** A latency by a value that it may depend on, failed requests too. */
export interface LatencyMap extends HeatMap {
  /** Failed requests of which that value is not known: in no column. */
  readonly failed_unplaced: number;
  /** Answered requests in no column: without the latency, or of an unknown value. */
  readonly not_drawn: number;
  /** The latency follows the value from one step in time to the next, which a trend that both share over the run does not do. */
  readonly follows: boolean;
}

export interface LatencyMaps {
  /** TTFT by planned input tokens. */
  readonly ttft_by_input: LatencyMap;
  /** TPOT by the mean number in flight between the first and the last token, the request included; of a failed request, when it was sent. */
  readonly tpot_by_concurrency: LatencyMap;
}

/** Requests in flight change slowly: they are compared by groups of at least so many requests... */
const LEAST_GROUP = 5;
/** ... of which a run has at most so many. */
const GROUPS = 120;

/** Collects latencies with the values they may depend on. */
export class LatencyMapCollector {
  readonly #inFlight: Concurrency;
  readonly #byInput = new Pairs();
  readonly #failedTokens = new Samples();
  #failedWithoutTokens = 0;
  #answeredWithoutTokens = 0;
  /** TPOT with the span in which a request was decoded. */
  readonly #tpots = new Pairs();
  readonly #lastUs = new Samples();
  readonly #failedSentUs = new Samples();
  #failedUnsent = 0;
  #withoutTpot = 0;

  /** `inFlight`: of all requests, by the time of `result`. */
  constructor(inFlight: Concurrency) {
    this.#inFlight = inFlight;
  }

  /** A measured request. */
  add(record: RequestRecord): void {
    if (isAnswered(record)) this.#addAnswered(record);
    else this.#addFailed(record);
  }

  #addAnswered(record: RequestRecord): void {
    const { due_us, token_times_us: times } = record;
    const tokens = record.input_tokens_planned ?? record.input_tokens;
    if (tokens === null) this.#answeredWithoutTokens++;
    else this.#byInput.push(due_us, tokens, ttftUs(record));
    const tpot = tpotUs(record);
    if (tpot === null || tpot <= 0) {
      this.#withoutTpot++;
      return;
    }
    this.#tpots.push(due_us, due_us + ttftUs(record), tpot);
    this.#lastUs.push(due_us + (times.at(-1) ?? 0));
  }

  #addFailed({ input_tokens_planned, sent_us }: RequestRecord): void {
    if (input_tokens_planned === null) this.#failedWithoutTokens++;
    else this.#failedTokens.push(input_tokens_planned);
    if (sent_us === null) this.#failedUnsent++;
    else this.#failedSentUs.push(sent_us);
  }

  result(): LatencyMaps {
    const mean = this.#inFlight.means();
    const [firstUs, lastUs] = [this.#tpots.xs.values(), this.#lastUs.values()];
    const concurrency = firstUs.map((first, i) => mean(first, lastUs[i] ?? first));
    release(firstUs, lastUs);
    // A refusal can be too short to be in flight itself.
    const ofFailed = this.#failedSentUs.values().map((sent) => Math.max(1, mean(sent, sent + 1)));
    const group = Math.max(LEAST_GROUP, Math.floor(concurrency.length / GROUPS));
    const tokens = this.#byInput.xs.values();
    const maps = {
      ttft_by_input: {
        ...this.#byInput.mapOver(tokens, this.#failedTokens.values()),
        failed_unplaced: this.#failedWithoutTokens,
        not_drawn: this.#answeredWithoutTokens,
        follows: this.#byInput.follows(tokens, 1),
      },
      tpot_by_concurrency: {
        ...this.#tpots.mapOver(concurrency, ofFailed),
        failed_unplaced: this.#failedUnsent,
        not_drawn: this.#withoutTpot,
        follows: this.#tpots.follows(concurrency, group),
      },
    };
    release(tokens, concurrency);
    return maps;
  }
}

/** Pairs of values with the due times of their requests, in any order. */
class Pairs {
  readonly xs = new Samples();
  readonly #ys = new Samples();
  readonly #dueUs = new Samples();

  push(dueUs: number, x: number, y: number): void {
    this.#dueUs.push(dueUs);
    this.xs.push(x);
    this.#ys.push(y);
  }

  /** The second values by `xs`, which stand beside them. */
  mapOver(xs: Float64Array, failedXs: Float64Array): HeatMap {
    const ys = this.#ys.values();
    const map = heatMap(xs, ys, failedXs);
    release(ys);
    return map;
  }

  /** Whether the second values follow `xs`, which stand beside them, in groups of `size` in order of due time. */
  follows(xs: Float64Array, size: number): boolean {
    const due = this.#dueUs.values();
    const order = ascendingOrder(due);
    release(due);
    const [x, y] = [new Float64Array(order.length).map((_, i) => xs[order[i] ?? 0] ?? 0), this.#ys.pick(order)];
    const found = follows(x, y, size);
    release(order, x, y);
    return found;
  }
}
