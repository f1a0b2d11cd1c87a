import type { Outcome } from '../core/record.ts';
import { type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { limitsUs, type LimitsUs } from '../metrics/attainment.ts';
import { tpotBetweenUs } from '../metrics/request-latency.ts';
import type { RunSink } from '../replay/replay.ts';

/** The state of a request; times are whole microseconds, as in records, -1 where there are none. */
interface Counted {
  readonly dueUs: number;
  firstUs: number;
  lastUs: number;
  tokens: number;
}

/**
 * Counts how many requests of a simulation miss the SLO, by the definitions of `src/metrics`, and keeps no records. A
 * request that fails misses every limit.
 */
export class Tally implements RunSink {
  readonly #limits: LimitsUs;
  readonly #allowedMisses: number;
  readonly #counted: (Counted | undefined)[] = [];
  readonly #missedBy: Record<SloMetric, number> = { ttft: 0, tpot: 0, e2e: 0 };
  #begun = 0;
  #missed = 0;
  #ended = 0;
  #e2eSumUs = 0;

  /** `allowedMisses`: one more, and the SLO is missed. */
  constructor(slo: Slo, allowedMisses: number) {
    this.#limits = limitsUs(slo);
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

  begin({ index, dueUs }: ScheduledRequest): void {
    this.#begun++;
    this.#counted[index] = { dueUs, firstUs: -1, lastUs: -1, tokens: 0 };
  }

  sent(): void {}

  tokens(index: number, timeUs: number, count: number): void {
    const request = this.#get(index);
    request.lastUs = Math.round(timeUs);
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
    const { dueUs, firstUs, lastUs, tokens } = request;
    if (firstUs < 0) return this.#fail();
    this.#ended++;
    this.#e2eSumUs += timeUs - dueUs;
    const isSlow = (tpotBetweenUs(firstUs, lastUs, tokens) ?? 0) > this.#limits.tpot;
    const isLong = Math.round(timeUs) - dueUs > this.#limits.e2e;
    if (isSlow) this.#missedBy.tpot++;
    if (isLong) this.#missedBy.e2e++;
    if ((isSlow || isLong) && !this.#isLate(request)) this.#missed++;
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

  #isLate({ firstUs, dueUs }: Counted): boolean {
    return firstUs - dueUs > this.#limits.ttft;
  }

  #get(index: number): Counted {
    const request = this.#counted[index];
    if (request === undefined) throw new Error(`request number ${index} of ${this.#begun} is not in flight`);
    return request;
  }
}
