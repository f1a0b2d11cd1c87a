import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { limitUs } from './judge.ts';
import { limitsOf, partsOf, type Slo } from '../core/slo.ts';
import { hasKnownGaps, isAnswered } from './request-latency.ts';
import { release } from '../core/release.ts';
import { Samples, sum } from './samples.ts';

/**
 * Etalon's fluidity index of one request: the share of token deadlines that were met, in [0, 1] (its section 4.1, as
 * its code `etalon/metrics/metric_utils.py` computes it, where one long gap misses several deadlines at once). The
 * first token is due after `ttftLimitUs`, each later token `tpotLimitUs` after the one before; earliness is saved as
 * slack, and lost on a miss. A failed request has 0.
 */
export function fluidityIndex(record: RequestRecord, ttftLimitUs: number, tpotLimitUs: number): number {
  const { missed, deadlines } = deadlinesOf(record, ttftLimitUs, tpotLimitUs);
  return 1 - missed / deadlines;
}

interface Deadlines {
  readonly missed: number;
  readonly deadlines: number;
}

function deadlinesOf(record: RequestRecord, ttftLimitUs: number, tpotLimitUs: number): Deadlines {
  if (!isAnswered(record)) return { missed: 1, deadlines: 1 };
  let [slack, previous, limit, missed, total] = [0, 0, ttftLimitUs, 0, 0];
  for (const time of record.token_times_us) {
    const lateness = time - previous - slack - limit;
    if (lateness <= 0) {
      slack = -lateness;
      total++;
    } else {
      const misses = 1 + Math.floor(lateness / tpotLimitUs);
      missed += misses;
      total += misses;
      slack = 0;
    }
    previous = time;
    limit = tpotLimitUs;
  }
  return { missed, deadlines: total };
}

/** Whether some requests have deadlines. */
export function hasDeadlines(slo: Slo): boolean {
  return partsOf(slo).some(([, { ttft, tpot }]) => ttft !== undefined && tpot !== undefined);
}

/** Fluidity over the requests whose SLO limits TTFT and TPOT. */
export class FluidityCollector {
  readonly #slo: Slo;
  /** Of each request; whole numbers, which take less than their ratio. */
  readonly #missed = new Samples();
  readonly #deadlines = new Samples();
  #fluid = 0;
  #isKnown = true;

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  add(record: RequestRecord): void {
    const { ttft, tpot } = limitsOf(this.#slo, record.slo_class) ?? {};
    if (ttft === undefined || tpot === undefined) return;
    if (!hasKnownGaps(record)) this.#isKnown = false;
    const { missed, deadlines } = deadlinesOf(record, limitUs(ttft), limitUs(tpot));
    this.#missed.push(missed);
    this.#deadlines.push(deadlines);
    if (1 - missed / deadlines >= 0.9) this.#fluid++;
  }

  /**
   * Null without any request, and where the gaps between the tokens of one are not known. To be asked once: the values of
   * requests are gone afterwards.
   */
  result(): Summary['fluidity'] {
    const n = this.#missed.length;
    if (n === 0 || !this.#isKnown) return null;
    const indices = new Float64Array(n).map((_, i) => 1 - this.#missed.at(i) / this.#deadlines.at(i)).sort();
    this.#missed.release();
    this.#deadlines.release();
    const mean = sum(indices) / n;
    release(indices);
    return { mean, share_at_least_0_9: this.#fluid / n };
  }
}
