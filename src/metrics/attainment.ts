import type { RequestRecord } from '../core/record.ts';
import { type Limits, limitsOf, type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { Summary } from '../schema/summary.ts';
import { isAnswered, sloLatencyUs } from './request-latency.ts';
import { missedBeforeGivenUp } from './given-up.ts';
import { attainmentInterval } from './attainment-interval.ts';
import { ClassAttainments } from './class-attainments.ts';
import { bindingClass, bindingLimit, type Misses } from './misses.ts';
import { slackOf } from './judged-requests.ts';
import { limitUs } from './judge.ts';
import { release } from '../core/release.ts';
import { Samples } from './samples.ts';

/** What the limits of requests say of them, as a summary has it. */
export type JudgedBySlo = Pick<
  NonNullable<Summary['slo']>,
  'attainment' | 'binding' | 'not_judged' | 'by_class' | 'binding_class'
>;

/**
 * Share of scheduled requests that meet the SLO, of each limit alone, and the confidence interval of the joint share.
 * Each request is judged by the limits of its class; those without any are counted apart.
 */
export class AttainmentCollector {
  readonly #slo: Slo;
  readonly #classes: ClassAttainments | null;
  readonly #byMetric: ReadonlyMap<SloMetric, MetricCounts>;
  readonly #dueUs = new Samples();
  /** Beside `#dueUs`, each as `JudgedRequests` has it. */
  readonly #staysUs = new Samples();
  readonly #metAll = new Samples();
  readonly #slacks = new Samples();
  #judged = 0;
  #good = 0;
  /** Requests that failed, by no limit. */
  #failed = 0;
  #notJudged = 0;

  constructor(slo: Slo) {
    const parts = [slo, ...Object.values(slo.by_class ?? {})];
    const judged = SLO_METRICS.filter((metric) => parts.some((limits) => limits[metric] !== undefined));
    this.#slo = slo;
    this.#classes =
      slo.by_class === undefined ? null : new ClassAttainments(slo, (own) => new AttainmentCollector(own));
    this.#byMetric = new Map(judged.map((metric) => [metric, { limited: 0, met: 0, missed: 0 }]));
  }

  /** Requests that met every limit so far. */
  get good(): number {
    return this.#good;
  }

  /** What was missed so far. */
  get misses(): Misses {
    const byMetric = new Map([...this.#byMetric].map(([metric, { missed }]) => [metric, missed]));
    const byClass = this.#classes?.missed();
    return { byMetric, failed: this.#failed, ...(byClass === undefined ? {} : { byClass }) };
  }

  /** Requests that were judged so far. */
  get judged(): number {
    return this.#judged;
  }

  add(record: RequestRecord): void {
    const limits = limitsOf(this.#slo, record.slo_class);
    if (limits === null) {
      this.#notJudged++;
      return;
    }
    const answered = isAnswered(record);
    // The largest ratio of a latency to its limit.
    let largest = 0;
    for (const [metric, counts] of this.#byMetric) {
      const limitMs = limits[metric];
      if (limitMs === undefined) continue;
      counts.limited++;
      if (!answered) continue;
      const [latencyUs, most] = [sloLatencyUs(record, metric), limitUs(limitMs)];
      if (latencyUs <= most) counts.met++;
      else counts.missed++;
      largest = Math.max(largest, latencyUs / most);
    }
    if (!answered) this.#addUnanswered(record, limits);
    const good = answered && largest <= 1;
    this.#judged++;
    if (good) this.#good++;
    this.#dueUs.push(record.due_us);
    this.#metAll.push(good ? 1 : 0);
    this.#staysUs.push(record.end_us === null ? Infinity : Math.max(0, record.end_us - record.due_us));
    this.#slacks.push(answered && largest < Infinity ? slackOf(largest) : Number.NaN);
    this.#classes?.add(record);
  }

  /** To be asked once: the values of requests are gone afterwards. */
  result(): JudgedBySlo {
    const scheduled = this.#judged;
    const judged = {
      dueUs: this.#dueUs.take(),
      staysUs: this.#staysUs.take(),
      met: this.#metAll.take(),
      slacks: this.#slacks.take(),
    };
    const interval = attainmentInterval(judged);
    release(...Object.values(judged));
    return {
      attainment: {
        joint: scheduled === 0 ? 0 : this.#good / scheduled,
        ttft: null,
        tpot: null,
        e2e: null,
        ...this.#alone(),
        ci95: interval.ci95,
        n_eff: interval.nEff,
        sufficient: interval.sufficient,
        overloaded: interval.overloaded,
      },
      binding: bindingLimit(this.misses),
      ...(this.#notJudged === 0 ? {} : { not_judged: this.#notJudged }),
      ...(this.#classes === null ? {} : { by_class: this.#classes.result() }),
      ...bindingClass(this.misses),
    };
  }

  /** Of the requests that have the limit, the share that meets it. */
  #alone(): Partial<Record<SloMetric, number>> {
    return Object.fromEntries(
      [...this.#byMetric].map(([metric, { limited, met }]) => [metric, limited === 0 ? 0 : met / limited]),
    );
  }

  #addUnanswered(record: RequestRecord, limits: Limits): void {
    const missed = missedBeforeGivenUp(record, limits);
    for (const metric of missed) {
      const counts = this.#byMetric.get(metric);
      if (counts !== undefined) counts.missed++;
    }
    if (missed.length === 0) this.#failed++;
  }
}

interface MetricCounts {
  /** Requests that have a limit on it. */
  limited: number;
  met: number;
  /** Requests that missed it, or had by the time they were given up. */
  missed: number;
}
