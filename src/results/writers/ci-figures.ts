import { LATENCY_METRICS, type LatencyMetric } from '../../schema/latency.ts';
import type { Summary } from '../../schema/summary.ts';

/** A figure that a chart over commits follows. */
export interface CiFigure {
  /** `TTFT p99` is `ttft-p99`. */
  readonly slug: string;
  readonly unit: string;
  readonly better: 'smaller' | 'bigger';
  readonly value: number;
  readonly ci95: readonly [number, number] | null;
}

const PERCENTILES = ['p50', 'p90', 'p99'] as const;

/** The figures of a run that are worth a chart. A percentile that falls on a failed request is left out (`failingOf`). */
export function ciFigures(summary: Summary): CiFigure[] {
  const { slo, throughput, requests } = summary;
  const bigger = (slug: string, unit: string, value: number | null, ci95: CiFigure['ci95'] = null): CiFigure[] =>
    value === null ? [] : [{ slug, unit, better: 'bigger', value, ci95 }];
  return [
    ...bigger('slo-attainment', 'share', slo?.attainment.joint ?? null, slo?.attainment.ci95 ?? null),
    ...bigger('good-requests', 'requests/s', throughput.good_requests_per_s),
    ...bigger('requests', 'requests/s', throughput.requests_per_s),
    ...bigger('output-tokens', 'tokens/s', throughput.output_tokens_per_s),
    { slug: 'failed-requests', unit: 'requests', better: 'smaller', value: requests.failed, ci95: null },
    ...percentiles(summary).flatMap(({ slug, ms }) =>
      ms === null ? [] : [{ slug, unit: 'ms', better: 'smaller', value: ms, ci95: null } as const],
    ),
  ];
}

/** The percentiles that fall on a failed request, or are of nothing. */
export function failingOf(summary: Summary): string[] {
  return percentiles(summary).flatMap(({ slug, ms }) => (ms === null ? [slug] : []));
}

function percentiles({ latency_ms }: Summary): { readonly slug: string; readonly ms: number | null }[] {
  return LATENCY_METRICS.flatMap((metric: LatencyMetric) =>
    PERCENTILES.map((percentile) => ({ slug: `${metric}-${percentile}`, ms: latency_ms[metric][percentile] })),
  );
}
