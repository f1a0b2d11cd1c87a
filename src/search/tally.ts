import type { Outcome } from '../core/record.ts';
import { ITL_QUANTILES, type ItlMetric, limitsOf, type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { limitsUs, type LimitsUs } from '../metrics/judge.ts';
import { tpotBetweenUs } from '../metrics/request-latency.ts';
import type { RunSink } from '../replay/replay.ts';

/** The state of a request; times are whole microseconds, as in records, -1 where there are none. */
interface Counted {
  readonly dueUs: number;
  readonly limits: ClassLimits;
  /** Gaps between its tokens beyond each of the limits on them, in the order of `limits.gaps`. */
  readonly longGaps: number[];
  firstUs: number;
  lastUs: number;
  tokens: number;
}

/** The limits of a class in whole microseconds. */
interface ClassLimits {
  readonly all: LimitsUs;
  /** Those on gaps between tokens. */
  readonly gaps: readonly { readonly metric: ItlMetric; readonly limitUs: number }[];
}

/**
 * Counts how many requests of a simulation miss the SLO, by the definitions of `src/metrics`, and keeps no records. A
 * request that fails misses every limit.
 */
export class Tally implements RunSink {
  readonly #slo: Slo;
  readonly #limits = new Map<string | undefined, ClassLimits>();
  readonly #allowedMisses: number;
  readonly #counted: (Counted | undefined)[] = [];
  readonly #missedBy: Record<SloMetric, number> = {
    ttft: 0,
    tpot: 0,
    e2e: 0,
    'itl.p50': 0,
    'itl.p90': 0,
    'itl.p95': 0,
    'itl.p99': 0,
    'itl.max': 0,
  };
  #begun = 0;
  #missed = 0;
  #ended = 0;
  #e2eSumUs = 0;

  /** `allowedMisses`: one more, and the SLO is missed. */
  constructor(slo: Slo, allowedMisses: number) {
    this.#slo = slo;
    this.#allowedMisses = allowedMisses;
  }

  /** Requests that have missed the SLO so far. */
  get missed(): number {
    return this.#missed;
  }

  /** Requests that have missed each limit so far. */
  get missedBy(): Readonly<Record<SloMetric, number>> {
    return this.#missedBy;
  }

  /** Whether more requests have missed the SLO than may; the others then change nothing. */
  get isMissed(): boolean {
    return this.#missed > this.#allowedMisses;
  }

  /** Mean time from due to end of the requests that ended `ok`, in microseconds; 0 if none did. */
  get meanE2eUs(): number {
    return this.#ended === 0 ? 0 : this.#e2eSumUs / this.#ended;
  }

  begin({ index, dueUs, request: { sloClass } }: ScheduledRequest): void {
    this.#begun++;
    const limits = this.#limitsOf(sloClass);
    this.#counted[index] = { dueUs, limits, longGaps: limits.gaps.map(() => 0), firstUs: -1, lastUs: -1, tokens: 0 };
  }

  sent(): void {}

  tokens(index: number, timeUs: number, count: number): void {
    const request = this.#get(index);
    const { limits, longGaps, lastUs } = request;
    request.lastUs = Math.round(timeUs);
    // Tokens of one event are 0 apart, within any limit.
    if (lastUs >= 0)
      for (const [i, { limitUs }] of limits.gaps.entries())
        if (request.lastUs - lastUs > limitUs) longGaps[i] = (longGaps[i] ?? 0) + 1;
    request.tokens += count;
    if (request.firstUs >= 0) return;
    request.firstUs = request.lastUs;
    // Counted at the first token: it is certain by now, and the simulation may end sooner.
    if (this.#isLate(request)) {
      this.#missedBy.ttft++;
      this.#missed++;
    }
  }

  hasToken(index: number): boolean {
    return this.#get(index).firstUs >= 0;
  }

  end(index: number, timeUs: number): Outcome {
    const request = this.#get(index);
    this.#counted[index] = undefined;
    const { dueUs, limits, longGaps, firstUs, lastUs, tokens } = request;
    if (firstUs < 0) return this.#fail();
    this.#ended++;
    this.#e2eSumUs += timeUs - dueUs;
    const isSlow = (tpotBetweenUs(firstUs, lastUs, tokens) ?? 0) > limits.all.tpot;
    const isLong = Math.round(timeUs) - dueUs > limits.all.e2e;
    if (isSlow) this.#missedBy.tpot++;
    if (isLong) this.#missedBy.e2e++;
    let isUneven = false;
    for (const [i, { metric }] of limits.gaps.entries()) {
      if ((longGaps[i] ?? 0) <= gapsBeyond(tokens - 1, ITL_QUANTILES[metric])) continue;
      this.#missedBy[metric]++;
      isUneven = true;
    }
    if ((isSlow || isLong || isUneven) && !this.#isLate(request)) this.#missed++;
    return 'ok';
  }

  fail(index: number, _timeUs: number, outcome: Outcome): Outcome {
    const request = this.#get(index);
    this.#counted[index] = undefined;
    if (request.firstUs >= 0 && this.#isLate(request)) {
      // It was counted as late; now it misses each limit once.
      this.#missedBy.ttft--;
      this.#missed--;
    }
    this.#fail();
    return outcome;
  }

  flush(): void {}

  #fail(): Outcome {
    for (const metric of SLO_METRICS) this.#missedBy[metric]++;
    this.#missed++;
    return 'protocol_error';
  }

  #isLate({ firstUs, dueUs, limits }: Counted): boolean {
    return firstUs - dueUs > limits.all.ttft;
  }

  #limitsOf(sloClass: string | undefined): ClassLimits {
    const known = this.#limits.get(sloClass);
    if (known !== undefined) return known;
    const all = limitsUs(limitsOf(this.#slo, sloClass ?? null) ?? {});
    const metrics = ['itl.p50', 'itl.p90', 'itl.p95', 'itl.p99', 'itl.max'] as const satisfies readonly ItlMetric[];
    const gaps = metrics.flatMap((metric) => (all[metric] === Infinity ? [] : [{ metric, limitUs: all[metric] }]));
    this.#limits.set(sloClass, { all, gaps });
    return { all, gaps };
  }

  #get(index: number): Counted {
    const request = this.#counted[index];
    if (request === undefined) throw new Error(`request number ${index} of ${this.#begun} is not in flight`);
    return request;
  }
}

/** How many of `gaps` may be longer than the one at a quantile, nearest rank. */
function gapsBeyond(gaps: number, quantile: number): number {
  return gaps <= 0 ? 0 : gaps - Math.max(1, Math.ceil(quantile * gaps - 1e-9));
}
