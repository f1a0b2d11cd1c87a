import type { RequestRecord } from '../core/record.ts';
import { type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { Attainment } from '../schema/summary.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from './request-latency.ts';
import { blockInterval } from './bootstrap.ts';
import { nearestRank, Samples } from './samples.ts';

/** Limits in whole microseconds, as they were parsed: a value on the limit meets it. */
export function limitUs(limitMs: number): number {
  return Math.round(limitMs * 1000);
}

/** Every limit in whole microseconds; Infinity: none. */
export type LimitsUs = Readonly<Record<SloMetric, number>>;

export function limitsUs(slo: Slo): LimitsUs {
  const of = (limitMs: number | undefined): number => (limitMs === undefined ? Infinity : limitUs(limitMs));
  return { ttft: of(slo.ttft), tpot: of(slo.tpot), e2e: of(slo.e2e) };
}

/**
 * Whether a request is answered and meets this one limit. A response of a single token has no TPOT and meets that
 * limit.
 */
export function meets(record: RequestRecord, metric: SloMetric, limitMs: number): boolean {
  if (!isAnswered(record)) return false;
  const limit = limitUs(limitMs);
  switch (metric) {
    case 'ttft':
      return ttftUs(record) <= limit;
    case 'tpot':
      return (tpotUs(record) ?? 0) <= limit;
    case 'e2e':
      return e2eUs(record) <= limit;
  }
}

/** Whether a request is answered and meets every limit. */
export function meetsAll(record: RequestRecord, slo: Slo): boolean {
  return (
    isAnswered(record) && SLO_METRICS.every((metric) => slo[metric] === undefined || meets(record, metric, slo[metric]))
  );
}

/**
 * Share of scheduled requests that meet the SLO, of each limit alone, and the confidence interval of the joint share.
 */
export class AttainmentCollector {
  readonly #slo: Slo;
  readonly #met: Record<SloMetric, number> = { ttft: 0, tpot: 0, e2e: 0 };
  readonly #dueUs = new Samples();
  /** 1 where the request beside it in `#dueUs` met every limit. */
  readonly #metAll: number[] = [];
  /** Time in the system of each request, however it ended: requests that overlap share a queue. */
  readonly #timesInSystemUs = new Samples();
  #good = 0;

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  /** Requests that met every limit so far. */
  get good(): number {
    return this.#good;
  }

  add(record: RequestRecord): void {
    for (const metric of SLO_METRICS) {
      const limitMs = this.#slo[metric];
      if (limitMs !== undefined && meets(record, metric, limitMs)) this.#met[metric]++;
    }
    const good = meetsAll(record, this.#slo);
    if (good) this.#good++;
    this.#dueUs.push(record.due_us);
    this.#metAll.push(good ? 1 : 0);
    if (record.end_us !== null) this.#timesInSystemUs.push(record.end_us - record.due_us);
  }

  /** `seed` seeds the resamples of the interval. */
  result(seed: number): { attainment: Attainment; binding: SloMetric | null } {
    const scheduled = this.#dueUs.length;
    const share = (count: number): number => (scheduled === 0 ? 0 : count / scheduled);
    const alone = (metric: SloMetric): number | null =>
      this.#slo[metric] === undefined ? null : share(this.#met[metric]);
    const interval = blockInterval({
      dueUs: this.#dueUs.values(),
      met: this.#metAll,
      timeInSystemUs: nearestRank(this.#timesInSystemUs.sorted(), 900),
      seed,
    });
    return {
      attainment: {
        joint: share(this.#good),
        ttft: alone('ttft'),
        tpot: alone('tpot'),
        e2e: alone('e2e'),
        ci95: interval.ci95,
        n_eff: interval.nEff,
        sufficient: interval.sufficient,
      },
      binding: this.#binding(),
    };
  }

  /** The limit that most requests miss; on a tie the first in the order of SLO_METRICS. */
  #binding(): SloMetric | null {
    let binding: SloMetric | null = null;
    let fewest = this.#dueUs.length;
    for (const metric of SLO_METRICS) {
      if (this.#slo[metric] === undefined || this.#met[metric] >= fewest) continue;
      binding = metric;
      fewest = this.#met[metric];
    }
    return binding;
  }
}
