import type { TopLevelSpec } from 'vega-lite';
import type { LatencyMetric, LatencyStats } from '../../src/schema/latency.ts';
import { formatMs, formatShare, withThousands } from '../../src/core/units.ts';
import type { Ecdf } from '../data/ecdf.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { countText } from '../../src/core/words.ts';
import { durationTexts, latencyText, plainMs, populationText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SHARE_LABEL, SLO_LINE } from './theme.ts';

export interface EcdfChartData {
  readonly metric: LatencyMetric;
  readonly ecdf: Ecdf;
  /** The summary's statistics of the same values. */
  readonly stats: LatencyStats;
  /** The limit, and the summary's share of requests that meets it. */
  readonly slo: { readonly limit_ms: number; readonly share: number } | null;
  /** The population: what each value is of. */
  readonly noun: 'request' | 'token gap';
  /** What the values are of, where that is another population: ` of 400 requests, 20 failed`. */
  readonly of: string;
  /** Added to the note under the chart. */
  readonly note?: string;
}

const HEIGHT = 200;
/** Room for `p50 48.9 ms` and its distance to the point, in pixels. */
const NAME_WIDTH = 88;
/** Height of one of the three lines of words beside the bar of what never arrives, in pixels. */
const LINE = 14;
/** Beside a bar of a larger share they stand between the lines of 75 and 50 %, else below the curve, under that of 25 %. */
const LONG_BAR = 0.5;
const BESIDE = HEIGHT / 3;
const BELOW = HEIGHT - 2.7 * LINE;
/** Above the plot, the words of the SLO stand above the name of a p99 on the left of its point, and the title above them. */
const WORDS_Y = -20;
const TITLE_Y = -36;
const SHOWN = ['p50', 'p90', 'p99'] as const;
/** Ticks of the y axis. */
export const SHARES = [0, 0.25, 0.5, 0.75, 0.9, 1];

/** Share of requests (or gaps) at or under each latency, on a log axis, the SLO drawn in. */
export function ecdfChart(data: EcdfChartData): Chart {
  const { metric, ecdf, slo, noun } = data;
  const name = METRIC_NAMES[metric];
  const total = ecdf.n + ecdf.missing;
  return {
    id: `${metric}-ecdf`,
    title: titleOf(data),
    label: labelOf(data),
    note: [
      `n = ${noun === 'request' ? populationText(total, noun, ecdf.missing) : countText(total, noun)}${data.of}`,
      ecdf.missing === 0
        ? ''
        : `${noun === 'request' ? '' : `${withThousands(ecdf.missing)} never came: `}the curve ends at ${formatShare(ecdf.n / total)}`,
      slo === null ? '' : 'dashed: the SLO',
      data.note ?? '',
    ]
      .filter((part) => part !== '')
      .join('; ')
      .concat('.'),
    spec: specOf(data),
    table: {
      columns: [`${name} (ms)`, `share of ${noun}s (%)`],
      rows: ecdf.points.map(({ ms, share }) => [String(Number(ms.toPrecision(6))), (share * 100).toFixed(3)]),
    },
  };
}

/** With fewer values the 99th percentile is the largest, and says nothing of one in a hundred. */
const ENOUGH_FOR_P99 = 100;

function titleOf({ metric, stats, slo, ecdf, noun }: EcdfChartData): string {
  const name = METRIC_NAMES[metric];
  if (slo !== null)
    return slo.share === 1
      ? `Every request meets ${name} <= ${plainMs(slo.limit_ms)}`
      : `${formatShare(1 - slo.share)} of requests miss ${name} <= ${plainMs(slo.limit_ms)}`;
  const total = ecdf.n + ecdf.missing;
  const lost = `${formatShare(ecdf.missing / total)} ${noun === 'request' ? 'fail' : 'never came'}`;
  if (stats.p50 === null || stats.max === null) return `${name}: ${lost}`;
  const half = (ms: string): string => `${name}: half of the ${noun}s within ${ms}`;
  const isEnough = total >= ENOUGH_FOR_P99;
  const most = isEnough ? stats.p99 : ecdf.missing === 0 ? stats.max : null;
  if (most === null) return `${half(formatMs(stats.p50))}, ${lost}`;
  const [p50 = '', end = ''] = durationTexts([stats.p50, most]);
  return `${half(p50)}, ${isEnough ? '99 %' : 'all'} within ${end}`;
}

function labelOf({ metric, stats, slo, ecdf, noun }: EcdfChartData): string {
  const came = SHOWN.flatMap((key) => stats[key] ?? []);
  const texts = durationTexts(came);
  const percentiles = SHOWN.map((key, i) => `${key} ${texts[i] ?? latencyText(stats, null)}`).join(', ');
  const limit =
    slo === null ? '' : ` ${formatShare(slo.share)} of requests meet the limit of ${plainMs(slo.limit_ms)}.`;
  const never = ecdf.missing === 0 ? '' : ` ${withThousands(ecdf.missing)} never came.`;
  return `Cumulative distribution of ${METRIC_NAMES[metric]} over ${countText(ecdf.n + ecdf.missing, noun)}: ${percentiles}.${limit}${never}`;
}

function specOf({ metric, ecdf, stats, slo, noun }: EcdfChartData): TopLevelSpec {
  const marked = SHOWN.flatMap((key) => {
    const ms = stats[key];
    return ms === null ? [] : [{ ms, share: Number(key.slice(1)) / 100, text: `${key} ${formatMs(ms)}` }];
  });
  const domain = logDomain(
    ecdf.points.map(({ ms }) => ms),
    [...(slo === null ? [] : [slo.limit_ms]), ...marked.map(({ ms }) => ms).slice(-1)],
  );
  const x: Position = {
    field: 'ms',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title: `${METRIC_NAMES[metric]} (log scale)` },
  };
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: {
      labelExpr: SHARE_LABEL,
      values: SHARES,
      // Where fewer ticks would do by Vega's count, it leaves out every other of them, 100 % too.
      tickCount: SHARES.length,
      title: `share of ${noun}s`,
      titleY: TITLE_Y,
    },
  };
  const layer: Layers = [
    ...(slo === null ? [] : sloLayers(slo)),
    {
      data: { values: curveOf(ecdf, domain) },
      mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2.5, color: COLOURS.first },
      encoding: { x, y },
    },
    {
      data: {
        values: ecdf.points.filter(({ ms }) => ms > 0).map((point) => ({ ...point, text: pointText(point, noun) })),
      },
      mark: { type: 'point', opacity: 0, size: 120 },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
    {
      data: { values: marked },
      mark: { type: 'point', filled: true, opacity: 1, size: 50, color: COLOURS.first },
      encoding: { x, y },
    },
    percentileNames(marked, slo?.limit_ms ?? null, { x, y }),
    ...(ecdf.missing === 0 ? [] : missingLayers(ecdf, domain)),
  ];
  return { width: 'container', height: HEIGHT, layer };
}

/**
 * The name of a percentile stands below its point on the right, or above it on the left, where the curve does not come:
 * on the left where the SLO's line would run through it, and behind that line where the left has no room.
 */
function percentileNames(
  values: readonly object[],
  limitMs: number | null,
  { x, y }: { readonly x: Position; readonly y: Position },
): Layers[number] {
  const [point, line] = ["scale('x', datum.ms)", `scale('x', ${limitMs ?? 0})`];
  const struck = limitMs === null ? 'false' : `(${line} > ${point} && ${line} < ${point} + ${NAME_WIDTH})`;
  const onLeft = `(${struck} && ${point} > ${NAME_WIDTH})`;
  return {
    data: { values: [...values] },
    mark: {
      type: 'text',
      align: { expr: `${onLeft} ? 'right' : 'left'` },
      dx: { expr: `${onLeft} ? -8 : ${struck} ? ${line} - ${point} + 6 : 8` },
      dy: { expr: `${onLeft} ? -8 : 9` },
    },
    encoding: { x, y, text: { field: 'text', type: 'nominal' } },
  };
}

/** The step function from one edge of the axis to the other. A log axis has no place for a latency of 0. */
export function curveOf({ points }: Ecdf, [low, high]: readonly [number, number]): object[] {
  const zero = points.find(({ ms }) => ms <= 0)?.share ?? 0;
  const drawn = points.filter(({ ms }) => ms > 0);
  const last = drawn.at(-1)?.share ?? zero;
  return [{ ms: low, share: zero }, ...drawn, { ms: high, share: last }];
}

function pointText({ ms, share }: { ms: number; share: number }, noun: string): string {
  return `${formatShare(share)} of ${noun}s within ${formatMs(ms)}`;
}

/** The SLO's line, and above the plot the share on each side of it. */
function sloLayers({ limit_ms, share }: { limit_ms: number; share: number }): Layers {
  const data = {
    values: [{ ms: limit_ms, met: `${formatShare(share)} meet`, missed: `${formatShare(1 - share)} miss` }],
  };
  const x: Position = { field: 'ms', type: 'quantitative' };
  const y: Position = { value: WORDS_Y };
  return [
    { data, mark: SLO_LINE, encoding: { x } },
    {
      data,
      mark: { type: 'text', align: 'right', dx: -6, fontWeight: 600 },
      encoding: { x, y, text: { field: 'met', type: 'nominal' } },
    },
    {
      data,
      mark: { type: 'text', align: 'left', dx: 6, fontWeight: 600 },
      encoding: { x, y, text: { field: 'missed', type: 'nominal' } },
    },
  ];
}

/**
 * The share that never arrives, as a bar at the right edge between the curve's end and 1. Its words, as narrow as the
 * room behind the SLO's line, stand beside it, above the end of the curve, or in the corner below the curve.
 */
function missingLayers({ n, missing }: Ecdf, [, high]: readonly [number, number]): Layers {
  const came = n / (n + missing);
  const words = `${formatShare(1 - came)} never arrive`;
  const data = { values: [{ ms: high, from: came, to: 1, text: words.split(/ (?!%)/) }] };
  const x: Position = { field: 'ms', type: 'quantitative' };
  return [
    {
      data,
      mark: { type: 'rule', strokeWidth: 6, color: COLOURS.bad },
      encoding: { x, y: { field: 'from', type: 'quantitative' }, y2: { field: 'to' } },
    },
    {
      data,
      mark: { type: 'text', align: 'right', dx: -10, fontWeight: 600, lineHeight: LINE },
      encoding: {
        x,
        y: { value: 1 - came > LONG_BAR ? BESIDE : BELOW },
        text: { field: 'text', type: 'nominal' },
      },
    },
  ];
}
