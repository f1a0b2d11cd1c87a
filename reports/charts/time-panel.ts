import type { TopLevelSpec } from 'vega-lite';
import { threeFigures } from '../../src/core/units.ts';
import type { TimeBins } from '../data/timeline.ts';
import { afterText, secondsText, timeUnit } from '../format.ts';
import type { Color, Layers, Position } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** Above this share of the y axis a line has no room for its words above it. */
const HIGH_LEVEL = 0.8;

/** Number of ticks, so few that each has room for its label. A Vega expression. */
export const TIME_TICKS = { expr: 'ceil(width / 100)' };

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
  readonly series: readonly TimeSeries<Bin>[];
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
  /** A level to compare with, as a line across the panel with its words. */
  readonly level?: { readonly value: number; readonly text: string };
}

/**
 * One panel of a timeline. All panels have the same x domain, which the page moves by the signals `from` and `to`, and,
 * by the theme, the same plot width.
 */
export function timePanel<Bin extends Span>(timeline: TimeBins<Bin>, panel: TimePanel<Bin>): TopLevelSpec {
  const { bins } = timeline;
  const endS = bins.at(-1)?.to_s ?? 1;
  const { unit, unitS } = timeUnit(endS);
  const series = panel.series.filter(
    ({ isOptional, value }) => isOptional !== true || bins.some((bin) => value(bin) !== null),
  );
  const x: Position = {
    field: 'at',
    type: 'quantitative',
    scale: { domain: [{ expr: 'from' }, { expr: 'to' }], nice: false },
    axis: { title: `time since start (${unit})`, tickCount: TIME_TICKS },
  };
  const y = valueAxis(bins, panel);
  const color: Color = {
    field: 'series',
    type: 'nominal',
    scale: { domain: series.map(({ name }) => name), range: series.map((each) => each.color) },
    legend: series.length === 1 ? null : {},
  };
  return {
    width: 'container',
    height: panel.height,
    params: [
      { name: 'from', value: 0 },
      { name: 'to', value: endS / unitS },
    ],
    layer: [
      ...shade(timeline, unitS, x),
      ...series.map((each) => seriesLayer(each, bins, unitS, { x, y, color })),
      ...levelLayers(panel, y),
      hoverLayer(panel, bins, unitS, x),
    ],
  };
}

function valueAxis<Bin>(bins: readonly Bin[], { series, yTitle, isShare = false }: TimePanel<Bin>): Position {
  const isEmpty = series.every(({ value }) => bins.every((bin) => (value(bin) ?? 0) === 0));
  return {
    field: 'value',
    type: 'quantitative',
    stack: null,
    // A scale of zeros alone would have no length.
    scale: isShare || isEmpty ? { domain: [0, 1] } : { zero: true },
    axis: { title: yTitle, tickCount: 4, ...(isShare ? { labelExpr: SHARE_LABEL } : {}) },
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

/** A thin line with its words above its right end, or under it where there is no room above. */
function levelLayers<Bin>({ level }: TimePanel<Bin>, y: Position): Layers {
  if (level === undefined) return [];
  const data = { values: [{ value: level.value, text: level.text }] };
  return [
    { data, mark: { type: 'rule', strokeWidth: 1, color: COLOURS.ink }, encoding: { y } },
    {
      data,
      mark: { type: 'text', align: 'right', dx: -4, dy: level.value > HIGH_LEVEL ? 9 : -8 },
      encoding: { x: { value: 'width' }, y, text: { field: 'text', type: 'nominal' } },
    },
  ];
}

/** An invisible bar over each bin, which shows its values as a tooltip. */
function hoverLayer<Bin extends Span>(
  panel: TimePanel<Bin>,
  bins: readonly Bin[],
  unitS: number,
  x: Position,
): Layers[number] {
  return {
    data: {
      values: bins.map((bin) => ({
        at: bin.from_s / unitS,
        to: bin.to_s / unitS,
        text: binText(panel, bin, durationS(bins)),
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

/** `bins of 250 ms`, and the meaning of the shade. */
export function binsText(timeline: Omit<TimeBins<unknown>, 'bins'>): string {
  return `bins of ${secondsText(timeline.bin_s)}${shadeText(timeline)}`;
}

/** Meaning of the shade; empty if every request is measured. */
export function shadeText({ excluded }: Pick<TimeBins<unknown>, 'excluded'>): string {
  return excluded.length === 0 ? '' : '; shaded: warm-up and cool-down, not measured';
}

function binText<Bin extends Span>(
  { series, nothing = 'too few requests' }: TimePanel<Bin>,
  bin: Bin,
  endS: number,
): string {
  const parts = series.flatMap(({ name, value, text }) => {
    const at = value(bin);
    return at === null ? [] : [`${name} ${text(at)}`];
  });
  return `${afterText(bin.from_s, endS)}: ${parts.length === 0 ? nothing : parts.join(', ')}`;
}
