import { commonLimits, type SloMetric, SLO_METRICS } from '../src/core/slo.ts';
import { formatShare, withThousands } from '../src/core/units.ts';
import type { ClassAttainment } from '../src/schema/attainment.ts';
import type { Summary } from '../src/schema/summary.ts';
import { METRIC_NAMES } from './definitions.ts';
import { classLimitsText, classText, intervalText, plainMs } from './format.ts';

type JudgedSlo = NonNullable<Summary['slo']>;

/** The share that meets one limit of an SLO alone. */
interface LimitShare {
  readonly metric: SloMetric;
  readonly share: number;
  /** `TTFT <= 200 ms`; `TTFT` where classes have several limits on it. */
  readonly limit: string;
  /** Whether most requests that missed missed it. */
  readonly binds: boolean;
}

/** Of every limit of an SLO, in the order of SLO_METRICS. */
export function limitShares({
  limits_ms,
  attainment,
  binding,
}: Pick<JudgedSlo, 'limits_ms' | 'attainment' | 'binding'>): LimitShare[] {
  const common = commonLimits(limits_ms);
  return SLO_METRICS.flatMap((metric) => {
    const [share = null, limitMs] = [attainment[metric], common[metric]];
    if (share === null) return [];
    const limit = limitMs === undefined ? METRIC_NAMES[metric] : `${METRIC_NAMES[metric]} <= ${plainMs(limitMs)}`;
    return [{ metric, share, limit, binds: binding === metric }];
  });
}

export const CLASS_COLUMNS = ['class', 'limits', 'requests', 'met', '95 % interval', 'each limit alone'] as const;

/** A row a class of an SLO that has limits by class, by CLASS_COLUMNS; empty where it has none. */
export function classRows({ by_class = [], binding_class = null }: JudgedSlo): string[][] {
  return by_class.map((row) => [
    `${classText(row.class)}${binding_class !== null && row.class === binding_class ? ' (binds)' : ''}`,
    classLimitsText(row.limits_ms),
    withThousands(row.requests),
    row.requests === 0 ? '-' : formatShare(row.attainment.joint),
    row.attainment.ci95 === null ? (row.attainment.overloaded ? 'overloaded' : '-') : intervalText(row.attainment.ci95),
    aloneText(row),
  ]);
}

/** `TTFT 97.0 %, TPOT 93.1 % (binds)`. */
function aloneText(row: ClassAttainment): string {
  if (row.requests === 0) return '-';
  return limitShares(row)
    .map(({ metric, share, binds }) => `${METRIC_NAMES[metric]} ${formatShare(share)}${binds ? ' (binds)' : ''}`)
    .join(', ');
}
