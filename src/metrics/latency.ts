import type { RequestRecord } from '../core/record.ts';
import type { LatencyStats, LatencyTable } from '../schema/latency.ts';
import { e2eUs, hasKnownGaps, isAnswered, missingOutputTokens, tpotUs, ttftUs } from './request-latency.ts';
import { release } from '../core/release.ts';
import { rankIndex, Samples, sum } from './samples.ts';
import { WholeCounts, type SortedCounts } from './whole-counts.ts';

/** Where the gaps of a larger share of the answers are not known, there is no ITL: the rest may be unlike them. */
export const MAX_UNKNOWN_GAPS = 0.01;
const NO_GAPS = new WholeCounts().sorted();

/** The three views of a run's latencies (`contract.md`, "Metrics"). */
export interface LatencyTables {
  /** From the due time, over all requests. */
  readonly fromDue: LatencyTable;
  /** From the due time, over answered requests. */
  readonly ok: LatencyTable;
  /** From the send time, over all requests. */
  readonly service: LatencyTable;
}

/**
 * TTFT, TPOT and E2E of answered requests, in microseconds, and the counts that failed ones lack. A failed request has
 * no latency even if some of its tokens came. `add` takes each record once, in any order.
 */
class LatencySamples {
  readonly ttftUs = new Samples();
  /** A response of a single token has no TPOT. */
  readonly tpotUs = new Samples();
  readonly e2eUs = new Samples();
  readonly exceeded = new Exceeded();
  #failed = 0;
  #missingTokens = 0;

  /** Requests without TTFT, TPOT and E2E. */
  get failed(): number {
    return this.#failed;
  }

  /** Planned tokens of failed requests that did not come: each one is missing in ITL. */
  get missingTokens(): number {
    return this.#missingTokens;
  }

  add(record: RequestRecord): void {
    if (!isAnswered(record)) {
      this.#failed++;
      this.exceeded.add(record, record.due_us);
      this.#missingTokens += missingOutputTokens(record);
      return;
    }
    const tpot = tpotUs(record);
    this.ttftUs.push(ttftUs(record));
    if (tpot !== null) this.tpotUs.push(tpot);
    this.e2eUs.push(e2eUs(record));
  }
}

/**
 * The least time that every failed request is known to have exceeded: until it timed out. Zero where one of them failed
 * in another way, infinite without any.
 */
class Exceeded {
  /** Of requests without a first token. One that came before the time-out leaves no bound. */
  ttftUs = Infinity;
  e2eUs = Infinity;

  add({ outcome, end_us, token_times_us }: RequestRecord, fromUs: number): void {
    const waitedUs = outcome === 'timeout' && end_us !== null ? Math.max(0, end_us - fromUs) : 0;
    this.e2eUs = Math.min(this.e2eUs, waitedUs);
    this.ttftUs = Math.min(this.ttftUs, token_times_us.length === 0 ? waitedUs : 0);
  }
}

/**
 * The latency tables of a summary. ITL's population is tokens, so the gaps between received tokens count even if the
 * request failed.
 */
export class LatencyCollector {
  readonly #fromDue = new LatencySamples();
  /** Of answered requests, from due to sent. */
  readonly #waitsUs = new Samples();
  readonly #serviceExceeded = new Exceeded();
  readonly #gaps = new WholeCounts();
  readonly #gapsOfFailed = new WholeCounts();
  /** Answered requests of several tokens, and those whose gaps are not known. */
  #withGaps = 0;
  #withUnknownGaps = 0;

  add(record: RequestRecord): void {
    this.#fromDue.add(record);
    const answered = isAnswered(record);
    if (answered && record.token_times_us.length > 1) {
      this.#withGaps++;
      if (!hasKnownGaps(record)) this.#withUnknownGaps++;
    }
    if (hasKnownGaps(record)) pushGaps(record.token_times_us, answered ? this.#gaps : this.#gapsOfFailed);
    if (!answered) {
      this.#serviceExceeded.add(record, record.sent_us ?? record.due_us);
      return;
    }
    this.#waitsUs.push((record.sent_us ?? record.due_us) - record.due_us);
  }

  /** To be asked once: the values of requests are gone afterwards. */
  tables(): LatencyTables {
    const { ttftUs: ttfts, tpotUs: tpots, e2eUs: e2es, failed, missingTokens, exceeded } = this.#fromDue;
    const service = this.#serviceExceeded;
    const isItlKnown = this.#withUnknownGaps <= MAX_UNKNOWN_GAPS * this.#withGaps;
    const okGaps = isItlKnown ? this.#gaps.sorted() : NO_GAPS;
    const allGaps = this.#gapsOfFailed.n === 0 ? okGaps : this.#gaps.with(this.#gapsOfFailed).sorted();
    const itl = isItlKnown ? stats(allGaps, missingTokens) : stats(NO_GAPS, 0);
    const fromSent = (samples: Samples): Column => {
      const values = samples.values();
      for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - this.#waitsUs.at(i);
      return values;
    };
    const [serviceTtft] = statsOf(fromSent(ttfts), failed, service.ttftUs);
    const [serviceE2e] = statsOf(fromSent(e2es), failed, service.e2eUs);
    this.#waitsUs.release();
    const [ttft, okTtft] = statsOf(ttfts.take(), failed, exceeded.ttftUs);
    const [tpot, okTpot] = statsOf(tpots.take(), failed);
    const [e2e, okE2e] = statsOf(e2es.take(), failed, exceeded.e2eUs);
    return {
      fromDue: { ttft, tpot, itl, e2e },
      ok: { ttft: okTtft, tpot: okTpot, itl: stats(okGaps, 0), e2e: okE2e },
      service: { ttft: serviceTtft, tpot, itl, e2e: serviceE2e },
    };
  }
}

/** Tokens of one chunk share a time: their gaps are 0. */
function pushGaps(times: Float64Array, gaps: WholeCounts): void {
  let previous = times[0] ?? 0;
  for (let i = 1; i < times.length; i++) {
    const time = times[i] ?? previous;
    gaps.push(time - previous);
    previous = time;
  }
}

type Column = Float64Array<ArrayBuffer>;

/** Of all requests, and of answered ones. The values are gone afterwards. */
function statsOf(
  values: Column,
  failed: number,
  exceededUs?: number,
): readonly [all: LatencyStats, answered: LatencyStats] {
  const sorted = values.sort();
  // A sum in this order does not depend on that of the records.
  const counts = { n: sorted.length, sum: sum(sorted), at: (index: number) => sorted[index] ?? null };
  const found = [stats(counts, failed, exceededUs), stats(counts, 0)] as const;
  release(sorted);
  return found;
}

/**
 * Statistics in milliseconds of microseconds; percentiles are those of `nearestRank`. `exceededUs`: what each missing value
 * is known to exceed, if it is.
 */
function stats({ n, sum: sumUs, at }: SortedCounts, missing: number, exceededUs = 0): LatencyStats {
  const ranked = (permille: number): number | null => ms(at(rankIndex(n + missing, permille)));
  return {
    mean: n === 0 ? null : sumUs / n / 1000,
    p50: ranked(500),
    p90: ranked(900),
    p95: ranked(950),
    p99: ranked(990),
    p999: ranked(999),
    max: n === 0 ? null : ms(at(n - 1)),
    n,
    missing,
    missing_over_ms: missing === 0 || exceededUs === 0 ? null : exceededUs / 1000,
  };
}

function ms(us: number | null): number | null {
  return us === null ? null : us / 1000;
}
