import { commonLimits } from '../../src/core/slo.ts';
import { formatMs, formatShare, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { latencyFinding } from '../comparison-findings.ts';
import type { ComparedLatency, LatencyPair } from '../data/comparison-data.ts';
import type { Ecdf } from '../data/ecdf.ts';
import { METRIC_NAMES } from '../definitions.ts';
import type { Chart, Position } from './chart.ts';
import { curveOf, SHARES } from './ecdf-chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { targetMarks } from './target-series.ts';
import { SHARE_LABEL, SLO_LINE } from './theme.ts';

/** The two, in every chart of the page: the first and the second colour and shape. */
export const SIDES = ['base', 'new'] as const;

const MARKED = [
  { name: 'p50', share: 0.5 },
  { name: 'p90', share: 0.9 },
  { name: 'p99', share: 0.99 },
];

/** The distributions of a latency of both sides, one over the other. */
export function comparisonEcdf(comparison: Comparison, metric: ComparedLatency, pair: LatencyPair): Chart {
  const limitMs = commonLimits(comparison.slo?.limits_ms ?? {})[metric] ?? null;
  const name = METRIC_NAMES[metric];
  return {
    id: `${metric}-ecdf`,
    title: latencyFinding(comparison, metric, pair),
    label: `Cumulative distribution of ${name}. ${SIDES.map((side) => `${side}: ${quantilesText(pair[side])}`).join('; ')}.`,
    note: [
      `n = ${SIDES.map((side) => populationOf(side, pair[side], comparison[side].runs.length)).join(', ')}`,
      'points: p50, p90, p99',
      ...(pair.base.missing + pair.new.missing === 0 ? [] : ['a curve ends below 100 % by the share that failed']),
      ...(limitMs === null ? [] : ['dashed: the SLO']),
    ]
      .join('; ')
      .concat('.'),
    spec: specOf(name, pair, limitMs),
    table: {
      columns: ['side', `${name} (ms)`, 'share of requests (%)'],
      rows: SIDES.flatMap((side) =>
        pair[side].points.map(({ ms, share }) => [side, String(Number(ms.toPrecision(6))), (share * 100).toFixed(3)]),
      ),
    },
  };
}

function populationOf(side: string, { n, missing }: Ecdf, runs: number): string {
  const pooled = runs === 1 ? '' : ` (${withThousands(runs)} runs pooled)`;
  const failed = missing === 0 ? '' : `, of which ${withThousands(missing)} failed`;
  return `${countText(n + missing, 'request')} of ${side}${pooled}${failed}`;
}

function quantilesText(ecdf: Ecdf): string {
  return MARKED.map(({ name, share }) => {
    const point = ecdf.points.find((each) => each.share >= share);
    return `${name} ${point === undefined ? 'fails' : formatMs(point.ms)}`;
  }).join(', ');
}

function specOf(name: string, pair: LatencyPair, limitMs: number | null): Chart['spec'] {
  const domain = logDomain(
    [...SIDES.flatMap((side) => pair[side].points.map(({ ms }) => ms)), ...(limitMs === null ? [] : [limitMs])],
    [],
  );
  const x: Position = {
    field: 'ms',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title: `${name} (log scale)` },
  };
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { labelExpr: SHARE_LABEL, values: SHARES, tickCount: SHARES.length, title: 'share of requests' },
  };
  const { color, shape } = targetMarks(SIDES);
  const points = SIDES.flatMap((side) => pair[side].points.map((point) => ({ target: side, ...point })));
  const marked = SIDES.flatMap((side) =>
    MARKED.flatMap(({ share }) => {
      const point = pair[side].points.find((each) => each.share >= share);
      return point === undefined ? [] : [{ target: side, ...point }];
    }),
  );
  return {
    width: 'container',
    height: 200,
    layer: [
      ...(limitMs === null ? [] : [{ data: { values: [{ ms: limitMs }] }, mark: SLO_LINE, encoding: { x } }]),
      {
        data: {
          values: SIDES.flatMap((side) => curveOf(pair[side], domain).map((point) => ({ target: side, ...point }))),
        },
        mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2 },
        encoding: { x, y, color },
      },
      {
        data: { values: marked },
        mark: { type: 'point', filled: true, opacity: 1, size: 60 },
        encoding: { x, y, color, shape },
      },
      {
        data: {
          values: points
            .filter(({ ms }) => ms > 0)
            .map((point) => ({
              ...point,
              text: `${point.target}: ${formatShare(point.share)} of requests within ${formatMs(point.ms)}`,
            })),
        },
        mark: { type: 'point', opacity: 0, size: 120 },
        encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
      },
    ],
  };
}
