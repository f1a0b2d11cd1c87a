import type { RequestRecord } from '../core/record.ts';
import { type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { Attainment } from '../schema/summary.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from './request-latency.ts';
import { missedBeforeGivenUp } from './given-up.ts';
import { attainmentInterval } from './attainment-interval.ts';
import { slackOf } from './judged-requests.ts';
import { release, Samples } from './samples.ts';

/** Limits in whole microseconds, as they were parsed, at least one: a value on the limit meets it. */
export function limitUs(limitMs: number): number {
  return Math.max(1, Math.round(limitMs * 1000));
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

/** The largest ratio of a latency of an answered request to its limit. */
function largestRatio(record: RequestRecord, { ttft, tpot, e2e }: LimitsUs): number {
  return Math.max(ttftUs(record) / ttft, (tpotUs(record) ?? 0) / tpot, e2eUs(record) / e2e);
}

/**
 * Share of scheduled requests that meet the SLO, of each limit alone, and the confidence interval of the joint share.
 */
export class AttainmentCollector {
  readonly #slo: Slo;
  readonly #limits: LimitsUs;
  readonly #met: Record<SloMetric, number> = { ttft: 0, tpot: 0, e2e: 0 };
  readonly #dueUs = new Samples();
  /** Beside `#dueUs`, each as `JudgedRequests` has it. */
  readonly #staysUs = new Samples();
  readonly #metAll = new Samples();
  readonly #slacks = new Samples();
  /** Requests that missed each limit, or had by the time they were given up. */
  readonly #missed: Record<SloMetric, number> = { ttft: 0, tpot: 0, e2e: 0 };
  #good = 0;
  /** Requests that failed, by no limit. */
  #failed = 0;

  constructor(slo: Slo) {
    this.#slo = slo;
    this.#limits = limitsUs(slo);
  }

  /** Requests that met every limit so far. */
  get good(): number {
    return this.#good;
  }

  add(record: RequestRecord): void {
    for (const metric of SLO_METRICS) {
      const limitMs = this.#slo[metric];
      if (limitMs === undefined) continue;
      if (meets(record, metric, limitMs)) this.#met[metric]++;
      else if (isAnswered(record)) this.#missed[metric]++;
    }
    if (!isAnswered(record)) this.#addUnanswered(record);
    const good = meetsAll(record, this.#slo);
    if (good) this.#good++;
    this.#dueUs.push(record.due_us);
    this.#metAll.push(good ? 1 : 0);
    this.#staysUs.push(record.end_us === null ? Infinity : Math.max(0, record.end_us - record.due_us));
    this.#slacks.push(isAnswered(record) ? slackOf(largestRatio(record, this.#limits)) : Number.NaN);
  }

  result(): { attainment: Attainment; binding: SloMetric | null } {
    const scheduled = this.#dueUs.length;
    const share = (count: number): number => (scheduled === 0 ? 0 : count / scheduled);
    const alone = (metric: SloMetric): number | null =>
      this.#slo[metric] === undefined ? null : share(this.#met[metric]);
    const judged = {
      dueUs: this.#dueUs.values(),
      staysUs: this.#staysUs.values(),
      met: this.#metAll.values(),
      slacks: this.#slacks.values(),
    };
    const interval = attainmentInterval(judged);
    release(...Object.values(judged));
    return {
      attainment: {
        joint: share(this.#good),
        ttft: alone('ttft'),
        tpot: alone('tpot'),
        e2e: alone('e2e'),
        ci95: interval.ci95,
        n_eff: interval.nEff,
        sufficient: interval.sufficient,
        overloaded: interval.overloaded,
      },
      binding: this.#binding(),
    };
  }

  #addUnanswered(record: RequestRecord): void {
    const missed = missedBeforeGivenUp(record, this.#limits);
    for (const metric of missed) this.#missed[metric]++;
    if (missed.length === 0) this.#failed++;
  }

  /**
   * The limit that most requests miss, on a tie the first in the order of SLO_METRICS; null where none is missed, and
   * where more requests failed than miss it: then failures bind.
   */
  #binding(): SloMetric | null {
    let binding: SloMetric | null = null;
    let most = 0;
    for (const metric of SLO_METRICS) {
      if (this.#missed[metric] <= most) continue;
      binding = metric;
      most = this.#missed[metric];
    }
    return this.#failed > most ? null : binding;
  }
}
