import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { limitUs } from './judge.ts';
import { limitsOf, partsOf, type Slo } from '../core/slo.ts';
import { hasKnownGaps, isAnswered } from './request-latency.ts';
import { Samples, sum } from './samples.ts';

/**
 * Etalon's fluidity index of one request: the share of token deadlines that were met, in [0, 1] (its section 4.1, as
 * its code `etalon/metrics/metric_utils.py` computes it, where one long gap misses several deadlines at once). The
 * first token is due after `ttftLimitUs`, each later token `tpotLimitUs` after the one before; earliness is saved as
 * slack, and lost on a miss. A failed request has 0.
 */
export function fluidityIndex(record: RequestRecord, ttftLimitUs: number, tpotLimitUs: number): number {
  if (!isAnswered(record)) return 0;
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
  return 1 - missed / total;
}

/** Whether some requests have deadlines. */
export function hasDeadlines(slo: Slo): boolean {
  return partsOf(slo).some(([, { ttft, tpot }]) => ttft !== undefined && tpot !== undefined);
}

/** Fluidity over the requests whose SLO limits TTFT and TPOT. */
export class FluidityCollector {
  readonly #slo: Slo;
  readonly #indices = new Samples();
  #fluid = 0;
  #isKnown = true;

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  add(record: RequestRecord): void {
    const { ttft, tpot } = limitsOf(this.#slo, record.slo_class) ?? {};
    if (ttft === undefined || tpot === undefined) return;
    if (!hasKnownGaps(record)) this.#isKnown = false;
    const index = fluidityIndex(record, limitUs(ttft), limitUs(tpot));
    this.#indices.push(index);
    if (index >= 0.9) this.#fluid++;
  }

  /** Null without any request, and where the gaps between the tokens of one are not known. */
  result(): Summary['fluidity'] {
    const n = this.#indices.length;
    return n === 0 || !this.#isKnown
      ? null
      : { mean: this.#indices.withSorted(sum) / n, share_at_least_0_9: this.#fluid / n };
  }
}
