import type { TopLevelSpec } from 'vega-lite';
import { plainPercent, threeFigures, withThousands } from '../../src/core/units.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { isWhole, nearProbes, pooled, type RateGroup, rateGroups, rateText } from '../goodput-rates.ts';
import { shareOf, shareText } from '../goodput-share.ts';
import { goodputsTable, letterOf } from '../goodputs-table.ts';
import { bestOf, boundsOf, carriedText, type TargetGoodput } from '../goodputs-verdict.ts';
import type { Chart, ChartSection, Layers, Position } from './chart.ts';
import { rateAxis, rateDomain } from './rate-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** How a target is drawn in every chart of its page, by its place; `glyph` is the same shape as text. */
const SHAPES = [
  { shape: 'circle', glyph: '●' },
  { shape: 'square', glyph: '■' },
  { shape: 'triangle-up', glyph: '▲' },
  { shape: 'diamond', glyph: '◆' },
  { shape: 'triangle-down', glyph: '▼' },
] as const;
const SERIES = [COLOURS.first, COLOURS.second, COLOURS.third, COLOURS.fourth] as const;

export interface TargetMark {
  readonly letter: string;
  readonly color: string;
  readonly shape: string;
  readonly glyph: string;
}

export function markOf(index: number): TargetMark {
  const { shape, glyph } = SHAPES[index % SHAPES.length] ?? SHAPES[0];
  return { letter: letterOf(index), color: SERIES[index % SERIES.length] ?? COLOURS.first, shape, glyph };
}

/** The charts of several targets in the order of their page. */
export function goodputsSections(targets: readonly TargetGoodput[]): ChartSection[] {
  const perGpu = targets.some(({ report: { gpus } }) => (gpus ?? 1) > 1);
  return [
    {
      id: 'goodputs',
      heading: 'What they carry',
      layout: perGpu ? 'pairs' : 'column',
      charts: [barsChart(targets, 'whole'), ...(perGpu ? [barsChart(targets, 'gpu')] : [])],
    },
    {
      id: 'load',
      heading: 'Attainment by load',
      name: 'Attainment',
      layout: 'column',
      charts: [attainmentOfAll(targets)],
    },
  ];
}

const ROW_HEIGHT = 34;

interface Bar {
  readonly letter: string;
  readonly rps: number;
  readonly low: number;
  readonly high: number;
  readonly furthest: number;
  readonly isValid: boolean;
  readonly end: string;
  readonly text: string;
}

/** Goodput bars with their intervals, of the whole target or for each GPU. */
function barsChart(targets: readonly TargetGoodput[], per: 'whole' | 'gpu'): Chart {
  const bars = targets.map(({ report }, i) => barOf(report, letterOf(i), per === 'gpu' ? report.gpus : 1));
  const best = bestOf(targets);
  const unit = per === 'gpu' ? 'requests/s a GPU' : 'requests/s';
  const most = best === null ? null : letterOf(targets.indexOf(best));
  const title =
    per === 'gpu' ? 'For each GPU' : most === null ? 'Which carries most is not known' : `${most} carries most`;
  const isTrace = targets.every(({ report: { of } }) => of === 'trace');
  return {
    id: per === 'gpu' ? 'goodput-per-gpu' : 'goodput-bars',
    title,
    label: `Goodput in ${unit}. ${bars.map(({ letter, text }) => `${letter}: ${text}`).join('; ')}.`,
    note: `n = ${targets.map(({ report }) => withThousands(report.requests_used)).join(', ')} requests. Line across a bar: ${isTrace ? 'from the highest rate that met to the lowest that missed' : 'its 95 % interval'}. No bar: it carries less than the lowest rate tried, or nothing is known; pale: not valid, or a bound.`,
    spec: barsSpec(bars, unit),
    table: goodputsTable(targets),
  };
}

function barOf(report: GoodputReport, letter: string, by: number | null): Bar {
  const { low, high, rps, isValid } = boundsOf(report);
  const per = (rate: number | null): number => (rate === null || by === null ? 0 : rate / by);
  const text = carriedText(report);
  const whole = rps ?? low;
  const isBounded = rps !== null && low !== null && high !== null;
  return {
    letter,
    rps: per(whole),
    low: isBounded ? per(low) : per(whole),
    high: isBounded ? per(high) : per(whole),
    furthest: Math.max(per(whole), isBounded ? per(high) : 0),
    isValid: isValid && isBounded,
    end: by === null ? 'GPUs not told' : by === 1 ? text.replace(' requests/s', '') : threeFigures(per(whole)),
    text,
  };
}

function barsSpec(bars: readonly Bar[], unit: string): TopLevelSpec {
  const widest = Math.max(...bars.map(({ furthest }) => furthest)) || 1;
  const letters = bars.map(({ letter }) => letter);
  const y: Position = {
    field: 'letter',
    type: 'ordinal',
    sort: null,
    axis: { title: null, ticks: false, domain: false, labelFontSize: 14 },
  };
  const x: Position = {
    field: 'rps',
    type: 'quantitative',
    // Room for the words behind the longest bar.
    scale: { domain: [0, widest * 1.9], nice: false },
    axis: { title: unit, grid: false, tickCount: { expr: 'ceil(width / 90)' } },
  };
  const fill = {
    field: 'letter',
    type: 'nominal',
    legend: null,
    scale: { domain: letters, range: letters.map((_, i) => markOf(i).color) },
  } as const;
  return {
    width: 'container',
    height: bars.length * ROW_HEIGHT,
    data: { values: [...bars] },
    layer: [
      {
        mark: { type: 'bar', height: 16 },
        encoding: {
          x,
          y,
          color: fill,
          opacity: { condition: { test: 'datum.isValid', value: 1 }, value: 0.35 },
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 2.5, color: COLOURS.ink },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8 },
        encoding: { x: { ...x, field: 'furthest' }, y, text: { field: 'end', type: 'nominal' } },
      },
    ],
  };
}

interface Point {
  readonly letter: string;
  readonly rps: number;
  readonly share: number;
  readonly isWhole: boolean;
  readonly isLine: boolean;
  readonly text: string;
}

/** Attainment against load of all targets: runs, or segments pooled by rate; what is known of each goodput at the goal. */
function attainmentOfAll(targets: readonly TargetGoodput[]): Chart {
  const seen = targets.map(({ report }, i) => ({ report, letter: letterOf(i), groups: nearGroups(report) }));
  const points = seen.flatMap(({ report, letter, groups }) => groups.map((group) => pointOf(report, letter, group)));
  const at = targets[0]?.report.at ?? 0.9;
  const texts = targets.map(({ report }, i) => `${letterOf(i)} carries ${carriedText(report)}`);
  return {
    id: 'attainment-of-all',
    title: 'Share that meets the SLO, by rate',
    label: `Share of requests that meet the SLO against the rate. ${texts.join('; ')}.`,
    note: `Each point a run, or segments of about one rate together; hollow: cut once it was decided, at the bound that settled it. Thick lines at ${plainPercent(at)} %, which is wanted: what is known of each goodput.`,
    spec: attainmentSpec(targets, points, at),
    table: {
      columns: ['', 'requests/s', 'meet the SLO'],
      rows: seen.flatMap(({ report, letter, groups }) =>
        groups.map((group) => [letter, rateText(group), shareText(pooled(group), report.at)]),
      ),
    },
  };
}

function nearGroups(report: GoodputReport): RateGroup[] {
  const near = nearProbes(report);
  return rateGroups(report)
    .filter(({ probes }) => probes.every((each) => near.includes(each)))
    .toSorted((a, b) => a.rateRps - b.rateRps);
}

function pointOf(report: GoodputReport, letter: string, group: RateGroup): Point {
  const whole = isWhole(group);
  return {
    letter,
    rps: group.rateRps,
    share: shareOf(pooled(group), report.at).share,
    isWhole: whole,
    isLine: whole && group.kind !== 'probe',
    text: `${letter} at ${rateText(group)} requests/s: ${shareText(pooled(group), report.at)} meet the SLO`,
  };
}

function attainmentSpec(targets: readonly TargetGoodput[], points: readonly Point[], at: number): TopLevelSpec {
  const known = targets.flatMap(({ report }, i) => {
    const { low, high, rps } = boundsOf(report);
    return low === null || high === null || rps === null
      ? []
      : [{ letter: letterOf(i), rps: low, to: high, at, text: `${letterOf(i)} carries ${carriedText(report)}` }];
  });
  const letters = targets.map((_, i) => letterOf(i));
  const marks = targets.map((_, i) => markOf(i));
  const x = rateAxis(rateDomain([...points.map(({ rps }) => rps), ...known.flatMap(({ rps, to }) => [rps, to])]));
  const lowest = Math.min(at, ...points.map(({ share }) => share)) - 0.05;
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [Math.max(0, Math.floor(lowest * 10) / 10), 1], zero: false },
    axis: { title: 'share that meets the SLO', tickCount: 5, labelExpr: SHARE_LABEL },
  };
  const color = {
    field: 'letter',
    type: 'nominal',
    scale: { domain: letters, range: marks.map((mark) => mark.color) },
  } as const;
  const shape = {
    field: 'letter',
    type: 'nominal',
    scale: { domain: letters, range: marks.map((mark) => mark.shape) },
  } as const;
  const symbols = (whole: boolean): Layers[number] => ({
    data: { values: points.filter((point) => point.isWhole === whole) },
    mark: { type: 'point', filled: whole, size: 60, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, color, shape, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 280,
    layer: [
      {
        data: { values: [{ at }] },
        mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.ink },
        encoding: { y: { ...y, field: 'at' } },
      },
      {
        data: { values: points.filter(({ isLine }) => isLine) },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: { x, y, color },
      },
      {
        data: { values: known },
        mark: { type: 'rule', strokeWidth: 6, opacity: 0.6 },
        encoding: {
          x,
          x2: { field: 'to' },
          y: { ...y, field: 'at' },
          color,
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      symbols(true),
      symbols(false),
    ],
  };
}
