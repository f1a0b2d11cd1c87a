import type { LatencyMetric } from '../../src/schema/latency.ts';
import { formatMs, threeFigures } from '../../src/core/units.ts';
import type { Ecdf, EcdfPoint } from '../data/ecdf.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { listText } from '../../src/core/words.ts';
import { populationText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS } from './theme.ts';

const HEIGHT = 200;
/** The metrics whose population is requests, distinguished by dashes as well as by colour. */
const LINES = [
  { metric: 'ttft', color: COLOURS.first, dash: [1, 0] },
  { metric: 'tpot', color: COLOURS.second, dash: [8, 3] },
  { metric: 'e2e', color: COLOURS.third, dash: [2, 2] },
] as const satisfies readonly { metric: LatencyMetric; color: string; dash: readonly number[] }[];
/** Labels of the ticks, at 1 / (1 - share). A Vega expression. */
const TICK_LABEL =
  "datum.value < 5 ? 'p50' : datum.value < 50 ? 'p90' : datum.value < 500 ? 'p99' : datum.value < 5000 ? 'p99.9' : 'p99.99'";

/** Percentiles on an axis that gives each further nine the same room, to show the tail. */
export function tailChart(ecdfs: Readonly<Record<'ttft' | 'tpot' | 'e2e', Ecdf>>): Chart {
  const rows = LINES.flatMap(({ metric }) =>
    tailOf(ecdfs[metric]).map(({ ms, share }) => ({
      metric: METRIC_NAMES[metric],
      ms,
      share,
      rarity: 1 / (1 - share),
    })),
  );
  const total = ecdfs.ttft.n + ecdfs.ttft.missing;
  const title = titleOf(ecdfs, ecdfs.ttft.missing / Math.max(1, total));
  return {
    id: 'tails',
    title,
    label: `TTFT, TPOT and E2E by percentile from p50 on. ${title}.`,
    note: `n = ${populationText(total, 'request', ecdfs.ttft.missing)}; the axis is 1/(1-p), log: each further nine takes the same room; solid: TTFT, dashed: TPOT, dotted: E2E.`,
    spec: { width: 'container', height: HEIGHT, layer: layersOf(rows) },
    table: {
      columns: ['metric', 'share of requests (%)', 'latency (ms)'],
      rows: rows.map(({ metric, ms, share }) => [metric, (share * 100).toFixed(4), String(Number(ms.toPrecision(6)))]),
    },
  };
}

/** With fewer requests than this the title goes by p90: their p99 is the slowest of them. */
const ENOUGH_FOR_P99 = 100;

function titleOf(ecdfs: Readonly<Record<'ttft' | 'tpot' | 'e2e', Ecdf>>, failed: number): string {
  if (failed > 0) return `The tail ends where requests fail: ${threeFigures(failed * 100)} % do`;
  const far = ecdfs.ttft.n < ENOUGH_FOR_P99 ? 0.9 : 0.99;
  const times = LINES.flatMap(({ metric }) => {
    const [middle, end] = [atShare(ecdfs[metric], 0.5), atShare(ecdfs[metric], far)];
    return middle === undefined || end === undefined || middle <= 0
      ? []
      : [`${METRIC_NAMES[metric]} ${threeFigures(end / middle)}`];
  });
  return times.length === 0 ? 'The tail, nine by nine' : `From p50 to p${far * 100}: ${listText(times)} times as long`;
}

/**
 * From p50 to the last request but one, or to where requests fail. Where many have the same latency no point of the
 * distribution is at these ends.
 */
function tailOf(ecdf: Ecdf): EcdfPoint[] {
  const { points, n, missing } = ecdf;
  const ends = [0.5, ...(missing === 0 ? [1 - 1 / n] : [])]
    .filter((share) => share >= 0.5 && points.every((point) => Math.abs(point.share - share) > 1e-12))
    .flatMap((share) => ({ share, ms: atShare(ecdf, share) ?? 0 }));
  return [...points, ...ends]
    .filter(({ ms, share }) => ms > 0 && share >= 0.5 && share < 1)
    .toSorted((a, b) => a.share - b.share);
}

/** The nearest-rank percentile: every curve has a point at it. */
function atShare({ points }: Ecdf, share: number): number | undefined {
  return points.find((point) => point.share >= share - 1e-12)?.ms;
}

interface TailRow {
  readonly metric: string;
  readonly ms: number;
  readonly share: number;
  readonly rarity: number;
}

function layersOf(rows: readonly TailRow[]): Layers {
  const high = rows.reduce((most, { rarity }) => Math.max(most, rarity), 10);
  const domain = logDomain(
    rows.map(({ ms }) => ms),
    [],
  );
  const x: Position = {
    field: 'rarity',
    type: 'quantitative',
    scale: { type: 'log', domain: [2, high], nice: false },
    axis: {
      title: 'percentile (1/(1-p), log scale)',
      values: [2, 10, 100, 1000, 10_000].filter((tick) => tick <= high),
      labelExpr: TICK_LABEL,
    },
  };
  const y: Position = {
    field: 'ms',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title: 'latency (log scale)', titleY: -12 },
  };
  const names = LINES.map(({ metric }) => METRIC_NAMES[metric]);
  return [
    {
      data: { values: rows.map(({ metric, ms, rarity }) => ({ metric, ms, rarity })) },
      mark: { type: 'line', strokeWidth: 2, interpolate: 'step-before' },
      encoding: {
        x,
        y,
        color: {
          field: 'metric',
          type: 'nominal',
          scale: { domain: names, range: LINES.map(({ color }) => color) },
          legend: { symbolType: 'stroke' },
        },
        strokeDash: {
          field: 'metric',
          type: 'nominal',
          scale: { domain: names, range: LINES.map(({ dash }) => [...dash]) },
          legend: { symbolType: 'stroke' },
        },
      },
    },
    {
      data: {
        values: rows.map(({ metric, ms, share, rarity }) => ({
          ms,
          rarity,
          text: `${metric}: ${threeFigures((1 - share) * 100)} % of requests take longer than ${formatMs(ms)}`,
        })),
      },
      mark: { type: 'point', opacity: 0, size: 80 },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}
