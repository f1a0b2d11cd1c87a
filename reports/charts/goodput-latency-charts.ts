import type { TopLevelSpec } from 'vega-lite';
import { commonLimits, REQUEST_LATENCIES, type RequestLatency } from '../../src/core/slo.ts';
import { formatMs, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { plainMs } from '../format.ts';
import {
  hasPooled,
  isWhole,
  limited,
  quantileMs,
  quantileName,
  type RateGroup,
  rateGroups,
  ratesText,
} from '../goodput-rates.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { rateAxis, rateDomain } from './rate-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

const QUANTILES = ['p50', 'p90', 'p99'] as const;
/** Latencies of fewer rates have no course. */
const LEAST_RATES = 2;
/** A limit that is further from all latencies than by this factor would press them together. */
const FAR = 30;

/** Latency quantiles against load, a chart a metric: none of fewer than two rates whose requests all came. */
export function latencyCharts(report: GoodputReport): Chart[] {
  const groups = rateGroups(report).filter(isWhole);
  const rates = new Set(groups.map(({ rateRps }) => rateRps));
  if (rates.size < LEAST_RATES) return [];
  const metrics = REQUEST_LATENCIES.filter((metric) => metric !== 'e2e' || limited(report).includes(metric));
  return metrics
    .filter((metric) => groups.some((group) => quantileMs(group, metric, 'p50') !== null))
    .map((metric) => latencyChart(report, metric, groups));
}

function latencyChart(report: GoodputReport, metric: RequestLatency, groups: readonly RateGroup[]): Chart {
  const name = METRIC_NAMES[metric];
  const limitMs = commonLimits(report.slo.limits_ms)[metric] ?? null;
  const points = pointsOf(report, metric, groups);
  const isNear = limitMs !== null && points.some(({ ms }) => ms / limitMs < FAR && limitMs / ms < FAR);
  const title = titleOf(metric, limitMs, groups);
  const notes = [
    ...seenNotes(groups),
    limitMs === null
      ? `${name} is not limited.`
      : `${isNear ? 'Dashed: its limit' : 'Its limit is beyond the axis'}, ${plainMs(limitMs)}.`,
    points.length < groups.length * QUANTILES.length ? 'A percentile that falls on failed requests is not drawn.' : '',
  ];
  return {
    id: `${metric}-by-rate`,
    title,
    label: `${name} p50, p90 and p99 against the rate, at ${countText(groups.length, 'rate')}. ${title}.`,
    note: notes.filter((note) => note !== '').join(' '),
    spec: spec(points, isNear ? limitMs : null),
    table: {
      columns: ['requests/s', ...QUANTILES.map((quantile) => quantileName(groups, metric, quantile))],
      rows: groups
        .toSorted((a, b) => a.rateRps - b.rateRps)
        .map((group) => [
          ratesText(group),
          ...QUANTILES.map((quantile) => {
            const ms = quantileMs(group, metric, quantile);
            return ms === null ? '-' : formatMs(ms);
          }),
        ]),
    },
  };
}

function seenNotes(groups: readonly RateGroup[]): string[] {
  const count = (kind: RateGroup['kind']): number =>
    groups.reduce((sum, group) => sum + (group.kind === kind ? group.probes.length : 0), 0);
  const [runs, probes, segments] = [count('run'), count('probe'), count('segment')];
  return [
    ...(runs === 0 ? [] : [`n = ${countText(runs, 'run')} that went to ${runs === 1 ? 'its end' : 'their ends'}.`]),
    ...(segments === 0
      ? []
      : [`n = ${countText(segments, 'segment')}; line: the medians, at about one rate, of what each segment has.`]),
    ...(probes === 0 ? [] : [`Hollow: ${probes === 1 ? 'a probe' : countText(probes, 'probe')} from an empty system.`]),
  ];
}

/** Where p90 leaves the limit, if it does so once; else what is drawn. */
function titleOf(metric: RequestLatency, limitMs: number | null, groups: readonly RateGroup[]): string {
  const name = METRIC_NAMES[metric];
  if (limitMs === null) return `${name} by rate`;
  const inOrder = groups.toSorted((a, b) => a.rateRps - b.rateRps);
  const isOver = inOrder.map((group) => (quantileMs(group, metric, 'p90') ?? Infinity) > limitMs);
  const first = isOver.indexOf(true);
  const p90 = `${hasPooled(groups) ? 'Median ' : ''}${name} p90`;
  const limit = `its limit of ${plainMs(limitMs)}`;
  if (first === -1) return `${p90} is within ${limit} at every rate`;
  const from = inOrder[first];
  if (from === undefined || isOver.slice(first).includes(false)) return `${name} by rate, beside ${limit}`;
  return first === 0
    ? `${p90} is beyond ${limit} at every rate`
    : `${p90} is beyond ${limit} from ${threeFigures(from.probes[0]?.rate_rps ?? from.rateRps)} requests/s on`;
}

interface Point {
  readonly rps: number;
  readonly ms: number;
  readonly quantile: (typeof QUANTILES)[number];
  readonly mark: 'line' | 'probe' | 'part';
  readonly text: string;
}

function pointsOf({ of }: GoodputReport, metric: RequestLatency, groups: readonly RateGroup[]): Point[] {
  const name = METRIC_NAMES[metric];
  return groups.flatMap((group) =>
    QUANTILES.flatMap((quantile): Point[] => {
      const at = (ms: number | null, rps: number, mark: Point['mark'], rate: string): Point[] =>
        ms === null || ms <= 0
          ? []
          : [{ rps, ms, quantile, mark, text: `${name} ${quantile} ${formatMs(ms)} at ${rate} requests/s` }];
      const { kind, probes, rateRps } = group;
      const parts =
        probes.length < 2
          ? []
          : probes.flatMap(({ rate_rps, latency_ms }) =>
              at(latency_ms?.[metric][quantile] ?? null, rate_rps, 'part', threeFigures(rate_rps)),
            );
      const isLine = of === 'trace' || kind === 'segment';
      const whole = at(quantileMs(group, metric, quantile), rateRps, isLine ? 'line' : 'probe', ratesText(group));
      return [...whole, ...parts];
    }),
  );
}

function spec(points: readonly Point[], limitMs: number | null): TopLevelSpec {
  const x = rateAxis(rateDomain(points.map(({ rps }) => rps)));
  const domain = logDomain([...points.map(({ ms }) => ms), ...(limitMs === null ? [] : [limitMs])], []);
  const y: Position = {
    field: 'ms',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: { title: 'log scale', values: logTicks(domain), labelExpr: MS_LABEL },
  };
  const series = {
    color: {
      field: 'quantile',
      type: 'nominal',
      scale: { domain: [...QUANTILES], range: [COLOURS.first, COLOURS.second, COLOURS.third] },
    },
    shape: {
      field: 'quantile',
      type: 'nominal',
      scale: { domain: [...QUANTILES], range: ['circle', 'square', 'triangle-up'] },
    },
  } as const;
  const marks = (mark: Point['mark'], size: number, filled: boolean): Layers[number] => ({
    data: { values: points.filter((point) => point.mark === mark) },
    mark: { type: 'point', size, filled, strokeWidth: 1.5, opacity: mark === 'part' ? 0.35 : 1 },
    encoding: { x, y, ...series, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 220,
    layer: [
      ...(limitMs === null ? [] : [{ data: { values: [{ ms: limitMs }] }, mark: SLO_LINE, encoding: { y } }]),
      marks('part', 12, true),
      {
        data: { values: points.filter(({ mark }) => mark === 'line') },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: { x, y, color: series.color },
      },
      marks('line', 46, true),
      marks('probe', 46, false),
    ],
  };
}

/** Why there are no such charts; null: there are. */
export function latencyLeftOut(report: GoodputReport): string | null {
  if (latencyCharts(report).length > 0) return null;
  const whole = report.probes.filter(({ attainment }) => attainment !== null).length;
  return `Latency against load is drawn of two rates or more whose requests all came; ${whole === 0 ? 'none' : withThousands(whole)} did, the others were cut when they were decided.`;
}
