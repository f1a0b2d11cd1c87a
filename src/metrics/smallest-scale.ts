import { release } from '../core/release.ts';
import type { RequestRecord } from '../core/record.ts';
import { type Limits, limitsOf, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { SmallestScale } from '../schema/attainment.ts';
import type { Manifest } from '../schema/manifest.ts';
import { attainmentInterval } from './attainment-interval.ts';
import { earliestUsOf } from './given-up.ts';
import { scaleFor } from './judge.ts';
import { slackOf } from './judged-requests.ts';
import { isAnswered, sloLatencyUs } from './request-latency.ts';
import { countUpTo, Samples } from './samples.ts';

/**
 * The smallest scale of an SLO at which a share of the measured requests meets it, and with it every larger one: each
 * request meets it from a scale of its own on, so that this is a quantile of those, whatever scales were tried.
 */
export class SmallestScaleCollector {
  readonly #manifest: Pick<Manifest, 'status' | 'slo'>;
  readonly #dueUs = new Samples();
  readonly #staysUs = new Samples();
  /** From which scale on the request meets the SLO; Infinity: at none. */
  readonly #meetsFrom = new Samples();
  /** From which scale on nothing is known of a request that an interrupted run gave up; 0: it always counts. */
  readonly #unknownFrom = new Samples();

  constructor(manifest: Pick<Manifest, 'status' | 'slo'>) {
    this.#manifest = manifest;
  }

  add(record: RequestRecord): void {
    const { slo, status } = this.#manifest;
    const limits = limitsOf(slo?.limits_ms ?? {}, record.slo_class);
    if (limits === null) return;
    let unknownFrom = 0;
    if (status === 'interrupted' && (record.outcome === 'unsent' || record.outcome === 'cut')) {
      const earliest = earliestUsOf(record);
      unknownFrom = earliest === null ? 0 : largestScale(limits, earliest);
      // It had missed no limit, however tight.
      if (unknownFrom === 0) return;
    }
    this.#unknownFrom.push(unknownFrom);
    this.#meetsFrom.push(
      isAnswered(record) ? largestScale(limits, (metric) => sloLatencyUs(record, metric)) : Infinity,
    );
    this.#dueUs.push(record.due_us);
    this.#staysUs.push(record.end_us === null ? Infinity : Math.max(0, record.end_us - record.due_us));
  }

  /** To be asked once: the values of requests are gone afterwards. */
  result(): SmallestScale {
    const goal = this.#manifest.slo?.at ?? 1;
    const [meetsFrom, unknownFrom] = [this.#meetsFrom.take(), this.#unknownFrom.take()];
    const [dueUs, staysUs] = [this.#dueUs.take(), this.#staysUs.take()];
    const curve = new ScaleCurve(meetsFrom, unknownFrom);
    const scale = curve.scaleOf(goal);
    let ci95: SmallestScale['ci95'] = null;
    // Nothing is late in proportion to limits of 0.
    if (scale !== null && scale > 0) {
      const ofJudged = (values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> =>
        values.filter((_, i) => unknownFrom[i] === 0 || (unknownFrom[i] ?? 0) > scale);
      const own = ofJudged(meetsFrom);
      const judged = {
        dueUs: ofJudged(dueUs),
        staysUs: ofJudged(staysUs),
        met: own.map((from) => (from <= scale ? 1 : 0)),
        slacks: own.map((from) => (from === Infinity ? Number.NaN : slackOf(from / scale))),
      };
      ({ ci95 } = attainmentInterval(judged));
      release(own, ...Object.values(judged));
    }
    // Where the curve is at the ends of the interval of its height there (Woodruff's interval of a quantile).
    const ci95_scale: SmallestScale['ci95_scale'] =
      ci95 === null ? [null, null] : [curve.scaleOf(ci95[0]), curve.scaleOf(ci95[1])];
    release(meetsFrom, unknownFrom, dueUs, staysUs);
    return { scale, attainment: scale === null ? null : curve.attainmentAt(scale), ci95, ci95_scale };
  }
}

/** The share of requests that meet the SLO against its scale, which it never falls with. */
class ScaleCurve {
  readonly #requests: number;
  readonly #meetsFrom: Float64Array;
  readonly #unknownFrom: Float64Array;

  constructor(meetsFrom: Float64Array, unknownFrom: Float64Array) {
    this.#requests = meetsFrom.length;
    this.#meetsFrom = meetsFrom.filter(Number.isFinite).sort();
    this.#unknownFrom = unknownFrom.filter((from) => from > 0).sort();
  }

  attainmentAt(scale: number): number {
    const judged = this.#requests - countUpTo(this.#unknownFrom, scale);
    return judged === 0 ? 0 : countUpTo(this.#meetsFrom, scale) / judged;
  }

  /** The smallest scale at which so many meet it: one from which on a request does, or is not judged any more. */
  scaleOf(share: number): number | null {
    const found = [this.#meetsFrom, this.#unknownFrom].map((all) => this.#firstOf(all, share));
    const smallest = Math.min(...found);
    return smallest === Infinity ? null : smallest;
  }

  /** Of scales in ascending order. */
  #firstOf(scales: Float64Array, share: number): number {
    let [low, high] = [0, scales.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.attainmentAt(scales[middle] ?? 0) >= share) high = middle;
      else low = middle + 1;
    }
    return scales[low] ?? Infinity;
  }
}

/** The scale from which on every limit is met. */
function largestScale(limits: Limits, latencyUs: (metric: SloMetric) => number): number {
  let largest = 0;
  for (const metric of SLO_METRICS) {
    const limitMs = limits[metric];
    if (limitMs !== undefined) largest = Math.max(largest, scaleFor(latencyUs(metric), limitMs));
  }
  return largest;
}
