import { Concurrency } from '../../src/metrics/concurrency.ts';
import { latenessUs, type RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { meetsAll } from '../../src/metrics/judge.ts';

export interface TimelineBin {
  /** From the run's start. */
  readonly from_s: number;
  readonly to_s: number;
  readonly arrivals_per_s: number;
  /** Requests that ended ok. */
  readonly completions_per_s: number;
  /** Requests that failed, counted at their end, or at their due time if they have no end. */
  readonly failures_per_s: number;
  readonly output_tokens_per_s: number;
  /** Sent and not ended, averaged over the bin. */
  readonly in_flight: number;
  /** Largest lateness of the requests due in the bin; null if none was sent. */
  readonly lateness_ms: number | null;
  /** Share of the measured requests due in the window around this bin that met the SLO; null without an SLO or with too few requests. */
  readonly attainment: number | null;
  /** Requests in that window. */
  readonly window_requests: number;
}

/** The most at one time, and the start of the bin in which that was. */
export interface Peak {
  readonly value: number;
  readonly from_s: number;
}

/** A run in bins of one width. */
export interface TimeBins<Bin> {
  readonly bin_s: number;
  readonly bins: readonly Bin[];
  /** Due times of warm-up and cool-down, where the run has them: drawn, but in no attainment. */
  readonly excluded: readonly { readonly from_s: number; readonly to_s: number }[];
}

export interface Timeline extends TimeBins<TimelineBin> {
  /** Width of the window of `attainment`. */
  readonly window_s: number;
  /** The most requests at one time; null where none was in flight. */
  readonly in_flight_peak: Peak | null;
  readonly requests: number;
  readonly failed: number;
  readonly measured_requests: number;
  readonly measured_failed: number;
  /** Measured requests that met the SLO; null without an SLO. */
  readonly good: number | null;
  readonly tokens: number;
}

export const MAX_BINS = 240;
/** Small runs get fewer bins, so that a bin holds more than one request or none. */
const MIN_BINS = 48;
const REQUESTS_A_BIN = 4;
export const FIRST_BIN_US = 15_625; // 1/64 s, so that doubling arrives at whole seconds
/** With fewer requests a share means nothing. */
export const MIN_WINDOW_REQUESTS = 10;
/** So many windows of attainment make up the run. */
const WINDOWS = 12;

/** How many bins the window of attainment has on each side of its own, where the run has so many. */
export function windowReach(bins: number): number {
  return Math.max(1, Math.round(bins / WINDOWS / 2));
}

/**
 * Counts a run over time in at most 240 bins of one width. The width doubles when a record lies beyond the last bin, so
 * that one pass suffices for a run of any length: the sum of a wider bin is that of the two it replaces.
 */
export class TimelineCollector {
  readonly #slo: Slo | null;
  readonly #measured: Manifest['measured'];
  readonly #arrivals = new Float64Array(MAX_BINS);
  readonly #completions = new Float64Array(MAX_BINS);
  readonly #failures = new Float64Array(MAX_BINS);
  readonly #tokens = new Float64Array(MAX_BINS);
  readonly #inFlightUs = new Float64Array(MAX_BINS);
  readonly #inFlight: Concurrency;
  /** Measured arrivals, and those of them that met the SLO. */
  readonly #judged = new Float64Array(MAX_BINS);
  readonly #good = new Float64Array(MAX_BINS);
  /** Largest lateness in each bin; below 0 if none was sent. */
  readonly #latenessUs = new Float64Array(MAX_BINS).fill(-1);
  /** Send times of requests without a known end: they count as in flight until the last event of the run. */
  readonly #cutSentUs: number[] = [];
  #measuredFailed = 0;
  #binUs = FIRST_BIN_US;
  #lastUs = 0;

  /**
   * `measured` is the span between warm-up and cool-down; null: the whole run. `inFlight` is filled here, and may be read
   * by others.
   */
  constructor(slo: Slo | null, measured: Manifest['measured'] = null, inFlight = new Concurrency()) {
    this.#inFlight = inFlight;
    this.#slo = slo;
    this.#measured = measured;
  }

  /** `isStopped`: the run was interrupted before the request could end; it counts as an arrival and in flight alone. */
  add(record: RequestRecord, isStopped = false): void {
    const { due_us, sent_us, end_us, token_times_us } = record;
    const lastTokenUs = due_us + (token_times_us.at(-1) ?? 0);
    this.#reach(Math.max(due_us, sent_us ?? 0, end_us ?? 0, lastTokenUs));

    this.#count(this.#arrivals, due_us, 1);
    if (!isStopped) this.#count(record.outcome === 'ok' ? this.#completions : this.#failures, end_us ?? due_us, 1);
    for (let i = 0; i < token_times_us.length; i++) this.#count(this.#tokens, due_us + (token_times_us[i] ?? 0), 1);
    if (record.measured && !isStopped) {
      if (record.outcome !== 'ok') this.#measuredFailed++;
      const isMet = this.#slo === null ? false : meetsAll(record, this.#slo);
      if (isMet !== null) this.#count(this.#judged, due_us, 1);
      if (isMet === true) this.#count(this.#good, due_us, 1);
    }
    const lateUs = latenessUs(record);
    if (lateUs !== null) this.#late(due_us, lateUs);
    if (sent_us !== null) this.#inFlight.add(sent_us, end_us ?? Infinity);
    if (sent_us !== null && end_us !== null) this.#occupy(sent_us, end_us);
    if (sent_us !== null && end_us === null) this.#cutSentUs.push(sent_us);
  }

  result(): Timeline {
    for (const sentUs of this.#cutSentUs.splice(0)) this.#occupy(sentUs, this.#lastUs);
    const requests = total(this.#arrivals);
    while (this.#length() > MIN_BINS && requests / this.#length() < REQUESTS_A_BIN) this.#widen();
    const length = this.#length();
    const binS = this.#binUs / 1e6;
    const reach = windowReach(length);
    const bins = Array.from({ length }, (_, i) => ({
      from_s: i * binS,
      to_s: (i + 1) * binS,
      arrivals_per_s: (this.#arrivals[i] ?? 0) / binS,
      completions_per_s: (this.#completions[i] ?? 0) / binS,
      failures_per_s: (this.#failures[i] ?? 0) / binS,
      output_tokens_per_s: (this.#tokens[i] ?? 0) / binS,
      in_flight: (this.#inFlightUs[i] ?? 0) / this.#binUs,
      lateness_ms: (this.#latenessUs[i] ?? -1) < 0 ? null : (this.#latenessUs[i] ?? 0) / 1000,
      ...this.#window(i - reach, i + reach),
    }));
    const most = this.#inFlight.peak();
    return {
      bin_s: binS,
      in_flight_peak:
        most === null ? null : { value: most.requests, from_s: Math.floor(most.at_us / this.#binUs) * binS },
      window_s: (2 * reach + 1) * binS,
      bins,
      excluded: excludedSpans(this.#measured),
      requests,
      failed: total(this.#failures),
      measured_requests: total(this.#judged),
      measured_failed: this.#measuredFailed,
      good: this.#slo === null ? null : total(this.#good),
      tokens: total(this.#tokens),
    };
  }

  #window(from: number, to: number): Pick<TimelineBin, 'attainment' | 'window_requests'> {
    const first = Math.max(0, from);
    const due = total(this.#judged.subarray(first, to + 1));
    const isKnown = this.#slo !== null && due >= MIN_WINDOW_REQUESTS;
    return {
      attainment: isKnown ? total(this.#good.subarray(first, to + 1)) / due : null,
      window_requests: due,
    };
  }

  #count(column: Float64Array, timeUs: number, amount: number): void {
    const bin = Math.floor(timeUs / this.#binUs);
    column[bin] = (column[bin] ?? 0) + amount;
  }

  #late(dueUs: number, lateUs: number): void {
    const bin = Math.floor(dueUs / this.#binUs);
    this.#latenessUs[bin] = Math.max(this.#latenessUs[bin] ?? -1, lateUs);
  }

  #occupy(fromUs: number, toUs: number): void {
    for (let bin = Math.floor(fromUs / this.#binUs); bin * this.#binUs < toUs; bin++) {
      const overlapUs = Math.min(toUs, (bin + 1) * this.#binUs) - Math.max(fromUs, bin * this.#binUs);
      this.#inFlightUs[bin] = (this.#inFlightUs[bin] ?? 0) + overlapUs;
    }
  }

  #reach(timeUs: number): void {
    this.#lastUs = Math.max(this.#lastUs, timeUs);
    while (this.#length() > MAX_BINS) this.#widen();
  }

  #length(): number {
    return Math.floor(this.#lastUs / this.#binUs) + 1;
  }

  #widen(): void {
    for (const column of [
      this.#arrivals,
      this.#completions,
      this.#failures,
      this.#tokens,
      this.#inFlightUs,
      this.#judged,
      this.#good,
    ])
      halve(column, (a, b) => a + b, 0);
    halve(this.#latenessUs, Math.max, -1);
    this.#binUs *= 2;
  }
}

/** Due times of warm-up and cool-down. */
export function excludedSpans(measured: Manifest['measured']): Timeline['excluded'] {
  if (measured === null) return [];
  const { warmup_s, cooldown_s, from_us, to_us } = measured;
  const [from_s, to_s] = [from_us / 1e6, to_us / 1e6];
  return [
    ...(warmup_s === 0 ? [] : [{ from_s: 0, to_s: from_s }]),
    ...(cooldown_s === 0 ? [] : [{ from_s: to_s, to_s: to_s + cooldown_s }]),
  ];
}

function halve(column: Float64Array, join: (a: number, b: number) => number, empty: number): void {
  for (let i = 0; i < MAX_BINS; i++) column[i] = join(column[2 * i] ?? empty, column[2 * i + 1] ?? empty);
}

function total(column: Float64Array): number {
  let sum = 0;
  for (const value of column) sum += value;
  return sum;
}
