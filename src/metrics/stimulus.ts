import { latenessUs, MAX_LATENESS_MS, type RequestRecord } from '../core/record.ts';
import { meanRate } from '../core/rate.ts';
import { formatMs, msApart, sharesApart } from '../core/units.ts';
import type { Stimulus } from '../schema/validity-parts.ts';
import { ascendingOrder } from './ascending-order.ts';
import { release } from '../core/release.ts';
import { countUpTo, nearestRank, Samples } from './samples.ts';

/** Gaps count as equal up to this, or up to this share of the mean planned gap where that is more. */
const GAP_TOLERANCE_US = 1000;
const GAP_TOLERANCE_OF_MEAN = 0.1;
/** Largest valid distance of the gaps from the planned ones. */
export const MAX_GAPS_APART = 0.1;
/** Fewer requests make no distribution: one that is late changes two gaps. */
const FEWEST_REQUESTS = 20;
/** A p99 of a burst may be so much of the TTFT p50, which it is part of. */
const SKEW_OF_TTFT = 0.1;
/** One late request is an accident. */
const FEWEST_SKEWED = 2;

/** Whether requests left as planned: the gaps between them, those due at one instant, their rate. */
export class StimulusCollector {
  readonly #dueUs = new Samples();
  readonly #leftUs = new Samples();

  /** A measured request; one that was not sent tells nothing. */
  add(record: RequestRecord): void {
    const lateUs = latenessUs(record);
    if (lateUs === null) return;
    this.#dueUs.push(record.due_us);
    this.#leftUs.push(record.due_us + lateUs);
  }

  /** `ttftMs`: the TTFT p50 from sending. */
  result(ttftMs: number): Stimulus {
    const dueUs = this.#dueUs.sorted();
    const leftUs = this.#leftUs.sorted();
    const planned = meanRate(dueUs.length, dueUs[0] ?? 0, dueUs.at(-1) ?? 0);
    const left = meanRate(leftUs.length, leftUs[0] ?? 0, leftUs.at(-1) ?? 0);
    const toleranceUs = Math.max(GAP_TOLERANCE_US, planned === null ? 0 : (GAP_TOLERANCE_OF_MEAN * 1e6) / planned);
    const gapsApart = distance(gaps(dueUs), gaps(leftUs), toleranceUs);
    release(dueUs, leftUs);
    return {
      requests: this.#dueUs.length,
      gap_tolerance_ms: toleranceUs / 1000,
      gaps_apart: gapsApart,
      bursts: this.#bursts(Math.max(MAX_LATENESS_MS, SKEW_OF_TTFT * ttftMs)),
      rate: planned === null || left === null ? null : left / planned,
    };
  }

  #bursts(limitMs: number): Stimulus['bursts'] {
    const [dueUs, leftUs] = [this.#dueUs.values(), this.#leftUs.values()];
    const order = ascendingOrder(dueUs, leftUs);
    const skewUs = new Samples();
    let bursts = 0;
    for (let from = 0, to; from < order.length; from = to) {
      const [first = 0] = order.subarray(from, from + 1);
      for (to = from + 1; to < order.length && dueUs[order[to] ?? 0] === dueUs[first]; to++);
      if (to === from + 1) continue;
      bursts++;
      for (let i = from; i < to; i++) skewUs.push((leftUs[order[i] ?? 0] ?? 0) - (leftUs[first] ?? 0));
    }
    release(dueUs, leftUs, order);
    if (bursts === 0) return null;
    return skewUs.takeSorted((sorted) => {
      const ms = (permille: number): number => (nearestRank(sorted, permille) ?? 0) / 1000;
      return {
        bursts,
        requests: sorted.length,
        skew_ms: { p50: ms(500), p90: ms(900), p99: ms(990), max: ms(1000) },
        skew_p99_limit_ms: limitMs,
        skewed: sorted.length - countUpTo(sorted, limitMs * 1000),
      };
    });
  }
}

/** Why what was sent is clearly not what was planned. */
export function stimulusReasons({ requests, gaps_apart, gap_tolerance_ms, bursts }: Stimulus): string[] {
  const reasons: string[] = [];
  if (gaps_apart !== null && gaps_apart > MAX_GAPS_APART && requests >= FEWEST_REQUESTS) {
    const [apart, limit] = sharesApart(gaps_apart, MAX_GAPS_APART);
    reasons.push(
      `requests did not leave as planned: the distribution of the gaps between them is ${apart} off (at most ${limit} is valid; gaps count as equal up to ${formatMs(gap_tolerance_ms)}); replay less (--rate, --speed), or on a faster or quieter machine`,
    );
  }
  if (bursts !== null && areDrawnOut(bursts)) {
    const [skew, limit] = msApart(bursts.skew_ms.p99, bursts.skew_p99_limit_ms);
    reasons.push(
      `bursts were drawn out: 1 % of the requests that were due together left ${skew} or more after the first of their burst (at most ${limit} is valid); replay less (--rate, --speed), or on a faster or quieter machine`,
    );
  }
  return reasons;
}

function areDrawnOut({ requests, skew_ms, skew_p99_limit_ms, skewed }: NonNullable<Stimulus['bursts']>): boolean {
  return requests >= FEWEST_REQUESTS && skew_ms.p99 > skew_p99_limit_ms && skewed >= FEWEST_SKEWED;
}

/** Between times in ascending order, in ascending order. */
function gaps(sortedUs: Float64Array): Float64Array<ArrayBuffer> {
  const between = new Float64Array(Math.max(0, sortedUs.length - 1));
  for (let i = 0; i < between.length; i++) between[i] = (sortedUs[i + 1] ?? 0) - (sortedUs[i] ?? 0);
  return between.sort();
}

/**
 * The Kolmogorov-Smirnov distance of two samples in ascending order where values count as equal up to `tolerance`: the
 * largest share by which one has more values up to some x than the other up to x + tolerance. Null: there are no values.
 * Both are gone afterwards.
 */
function distance(a: Float64Array<ArrayBuffer>, b: Float64Array<ArrayBuffer>, tolerance: number): number | null {
  const found = a.length === 0 || b.length === 0 ? null : Math.max(excess(a, b, tolerance), excess(b, a, tolerance));
  release(a, b);
  return found;
}

function excess(a: Float64Array, b: Float64Array, tolerance: number): number {
  let largest = 0;
  for (let i = 0, j = 0; i < a.length; i++) {
    while (j < b.length && (b[j] ?? 0) <= (a[i] ?? 0) + tolerance) j++;
    largest = Math.max(largest, (i + 1) / a.length - j / b.length);
  }
  return largest;
}
