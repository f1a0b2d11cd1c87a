import type { TopLevelSpec } from 'vega-lite';
import { threeFigures, timeUnit } from '../../src/core/units.ts';
import type { TimeBins } from '../data/timeline.ts';
import { afterText } from '../format.ts';
import type { Color, Layers, Position } from './chart.ts';
import { MS_LABEL } from './log-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** Number of ticks, so few that each has room for its label. A Vega expression. */
export const TIME_TICKS = { expr: 'ceil(width / 100)' };

/** Wide enough for `200 ms` too: all panels have their plots under one another. */
const Y_AXIS_WIDTH = 54;
export const Y_AXIS = { minExtent: Y_AXIS_WIDTH, maxExtent: Y_AXIS_WIDTH, titleX: -Y_AXIS_WIDTH };
/** Above the plot, in pixels: where words have their lower edge, and legends their upper one. */
const WORDS_ABOVE = 6;
const LEGEND_ABOVE = 19;
/** Around letters. */
const HALO = 4;
/** At least the width of a character of an axis title. */
const CHARACTER = 7;

/** From and to, in seconds from the run's start. */
export interface Span {
  readonly from_s: number;
  readonly to_s: number;
}

export interface TimeSeries<Bin> {
  readonly name: string;
  readonly mark: 'area' | 'line' | 'bar';
  readonly color: string;
  /** Null: nothing to draw in this bin. */
  readonly value: (bin: Bin) => number | null;
  /** A value with its unit. */
  readonly text: (value: number) => string;
  /** Neither drawn nor in the legend where no bin has a value. */
  readonly isOptional?: boolean;
}

interface TimePanel<Bin> {
  readonly height: number;
  readonly yTitle: string;
  /** A y axis from 0 to 100 %; otherwise from 0 to the largest value. */
  readonly isShare?: boolean;
  /** Values are milliseconds, each label in the unit that fits. */
  readonly isDuration?: boolean;
  readonly series: readonly TimeSeries<Bin>[];
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
  /** A level to compare with, as a line across the panel with its words. */
  readonly level?: { readonly value: number; readonly text: string };
}

/** Labels of the time axis stand under the last panel alone. */
export interface TimeFrame {
  readonly height: number;
  readonly hasTimeLabels: boolean;
}

/** One panel of a timeline as series over the bins. */
export function timePanel<Bin extends Span>(
  timeline: TimeBins<Bin>,
  panel: TimePanel<Bin>,
  hasTimeLabels: boolean,
): TopLevelSpec {
  const { bins } = timeline;
  const { unitS } = timeUnit(durationS(bins));
  const series = panel.series.filter(
    ({ isOptional, value }) => isOptional !== true || bins.some((bin) => value(bin) !== null),
  );
  const y = valueAxis(bins, panel);
  const color: Color = {
    field: 'series',
    type: 'nominal',
    scale: { domain: series.map(({ name }) => name), range: series.map((each) => each.color) },
    legend: series.length === 1 ? null : legendBehind(panel.yTitle),
  };
  return timeFrame(timeline, { height: panel.height, hasTimeLabels }, (x) => [
    ...series.map((each) => seriesLayer(each, bins, unitS, { x, y, color })),
    ...levelLayers(panel, y),
    hoverLayer(bins, x, (bin) => binText(panel, bin)),
  ]);
}

/**
 * What all panels over time share: the x domain, which the page moves by the signals `from` and `to`, a light grid, and
 * the width of the plot, which is why marks are clipped: what reaches beyond a plot makes it narrower. Words stand in
 * the line above the plot, where no curve is: the y axis's title to the left with the legend behind it, `wordsAbove` to
 * the right.
 */
export function timeFrame<Bin extends Span>(
  timeline: TimeBins<Bin>,
  { height, hasTimeLabels }: TimeFrame,
  layersOf: (x: Position) => Layers,
): TopLevelSpec {
  const endS = durationS(timeline.bins) || 1;
  const { unit, unitS } = timeUnit(endS);
  const labels = hasTimeLabels ? { title: `time since start (${unit})` } : { title: null, labels: false };
  const x: Position = {
    field: 'at',
    type: 'quantitative',
    scale: { domain: [{ expr: 'from' }, { expr: 'to' }], nice: false },
    axis: { grid: true, ticks: false, tickCount: TIME_TICKS, labelPadding: 5, ...labels },
  };
  return {
    width: 'container',
    height,
    params: [
      { name: 'from', value: 0 },
      { name: 'to', value: endS / unitS },
    ],
    layer: [...shade(timeline, unitS, x), ...layersOf(x)],
  };
}

/** In one line with the title of the y axis. */
export function legendBehind(yTitle: string): { orient: 'none'; legendX: number; legendY: number } {
  const legendX = Math.max(0, yTitle.length * CHARACTER - Y_AXIS_WIDTH + 2 * CHARACTER);
  return { orient: 'none', legendX, legendY: -LEGEND_ABOVE };
}

function valueAxis<Bin>(bins: readonly Bin[], panel: TimePanel<Bin>): Position {
  const { series, yTitle, isShare = false, isDuration = false } = panel;
  const isEmpty = series.every(({ value }) => bins.every((bin) => (value(bin) ?? 0) === 0));
  return {
    field: 'value',
    type: 'quantitative',
    stack: null,
    // A scale of zeros alone would have no length.
    scale: isShare || isEmpty ? { domain: [0, 1] } : { zero: true },
    axis: {
      ...Y_AXIS,
      title: yTitle,
      ...(isShare ? { values: [0, 0.5, 1], labelExpr: SHARE_LABEL } : { tickCount: 3 }),
      ...(isDuration ? { labelExpr: `datum.value === 0 ? '0' : ${MS_LABEL}` } : {}),
    },
  };
}

function seriesLayer<Bin extends Span>(
  series: TimeSeries<Bin>,
  bins: readonly Bin[],
  unitS: number,
  { x, y, color }: { readonly x: Position; readonly y: Position; readonly color: Color },
): Layers[number] {
  const row = (bin: Bin, seconds: number): object => ({
    at: seconds / unitS,
    to: bin.to_s / unitS,
    series: series.name,
    value: series.value(bin),
  });
  if (series.mark === 'bar')
    return {
      data: { values: bins.map((bin) => row(bin, bin.from_s)) },
      mark: { type: 'rect', clip: true },
      encoding: { x, x2: { field: 'to' }, y, y2: { datum: 0 }, color },
    };
  return {
    // Each bin from its start to its end, so that a bin between gaps is visible too.
    data: { values: bins.flatMap((bin) => [row(bin, bin.from_s), row(bin, bin.to_s)]) },
    mark:
      series.mark === 'area'
        ? { type: 'area', opacity: 0.4, clip: true }
        : { type: 'line', strokeWidth: 1.75, clip: true },
    encoding: { x, y, color },
  };
}

/** A thin line, and its words above the plot. */
function levelLayers<Bin>({ level }: TimePanel<Bin>, y: Position): Layers {
  if (level === undefined) return [];
  return [
    {
      data: { values: [{ value: level.value }] },
      mark: { type: 'rule', strokeWidth: 1, color: COLOURS.ink, clip: true },
      encoding: { y },
    },
    wordsAbove(`line: ${level.text}`),
  ];
}

/** Words above the right end of the plot. */
export function wordsAbove(text: string): Layers[number] {
  return {
    data: { values: [{ text }] },
    mark: { type: 'text', align: 'right', baseline: 'bottom', dx: -HALO },
    encoding: { x: { value: 'width' }, y: { value: -WORDS_ABOVE }, text: { field: 'text', type: 'nominal' } },
  };
}

/** An invisible bar over each bin, which shows its values as a tooltip. */
export function hoverLayer<Bin extends Span>(
  bins: readonly Bin[],
  x: Position,
  textOf: (bin: Bin) => string,
): Layers[number] {
  const endS = durationS(bins);
  const { unitS } = timeUnit(endS);
  return {
    data: {
      values: bins.map((bin) => ({
        at: bin.from_s / unitS,
        to: bin.to_s / unitS,
        text: `${afterText(bin.from_s, endS)}: ${textOf(bin)}`,
      })),
    },
    mark: { type: 'rect', opacity: 0, color: COLOURS.ink, clip: true },
    encoding: { x, x2: { field: 'to' }, tooltip: { field: 'text', type: 'nominal' } },
  };
}

/** Warm-up and cool-down as shaded spans, behind what is drawn. */
function shade({ excluded }: Pick<TimeBins<unknown>, 'excluded'>, unitS: number, x: Position): Layers {
  if (excluded.length === 0) return [];
  return [
    {
      data: { values: excluded.map(({ from_s, to_s }) => ({ at: from_s / unitS, to: to_s / unitS })) },
      mark: { type: 'rect', color: COLOURS.muted, opacity: 0.15, clip: true },
      encoding: { x, x2: { field: 'to' } },
    },
  ];
}

/** Length of a run, from its start. */
export function durationS(bins: readonly Span[]): number {
  return bins.at(-1)?.to_s ?? 0;
}

/** A rate of whatever the axis counts: `12.5/s`. */
export function perSecond(value: number): string {
  return `${threeFigures(value)}/s`;
}

function binText<Bin>({ series, nothing = 'too few requests' }: TimePanel<Bin>, bin: Bin): string {
  const parts = series.flatMap(({ name, value, text }) => {
    const at = value(bin);
    return at === null ? [] : [`${name} ${text(at)}`];
  });
  return parts.length === 0 ? nothing : parts.join(', ');
}
