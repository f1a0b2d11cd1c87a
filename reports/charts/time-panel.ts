import type { TopLevelSpec } from 'vega-lite';
import type { TimeBins, TimelineBin } from '../data/timeline.ts';
import { afterWords, secondsWords } from '../format.ts';
import type { Layers, Position } from './chart.ts';
import { COLOURS } from './theme.ts';

/** Few enough that each has its label. A Vega expression. */
export const TIME_TICKS = { expr: 'ceil(width / 100)' };

interface Span {
  readonly from_s: number;
  readonly to_s: number;
}

export interface TimeSeries<Bin = TimelineBin> {
  readonly name: string;
  readonly mark: 'area' | 'line' | 'bar';
  readonly color: string;
  /** Null: nothing to draw in this bin. */
  readonly value: (bin: Bin) => number | null;
  /** A value with its unit. */
  readonly words: (value: number) => string;
}

interface TimePanel<Bin> {
  readonly height: number;
  readonly yTitle: string;
  /** Without it: from 0 to the largest value. */
  readonly yDomain?: readonly [number, number];
  /** A Vega expression. */
  readonly yLabel?: string;
  readonly series: readonly TimeSeries<Bin>[];
  /** What is said of a bin in which nothing is drawn. */
  readonly nothing?: string;
}

/**
 * One panel of a timeline. All panels have the same x domain, which the page moves by the signals `from` and `to`, and,
 * by the theme, the same plot width.
 */
export function timePanel<Bin extends Span>(timeline: TimeBins<Bin>, panel: TimePanel<Bin>): TopLevelSpec {
  const { bins } = timeline;
  const endS = bins.at(-1)?.to_s ?? 1;
  const { unit, unitS } = timeUnit(endS);
  const x: Position = {
    field: 'at',
    type: 'quantitative',
    scale: { domain: [{ expr: 'from' }, { expr: 'to' }], nice: false },
    axis: { title: `time since start (${unit})`, tickCount: TIME_TICKS },
  };
  const empty = panel.series.every(({ value }) => bins.every((bin) => (value(bin) ?? 0) === 0));
  const y: Position = {
    field: 'value',
    type: 'quantitative',
    stack: null,
    // A scale of nothing but 0 has no length.
    scale: panel.yDomain === undefined ? (empty ? { domain: [0, 1] } : { zero: true }) : { domain: [...panel.yDomain] },
    axis: { title: panel.yTitle, tickCount: 4, ...(panel.yLabel === undefined ? {} : { labelExpr: panel.yLabel }) },
  };
  const color = {
    field: 'series',
    type: 'nominal',
    scale: { domain: panel.series.map(({ name }) => name), range: panel.series.map((series) => series.color) },
    legend: panel.series.length === 1 ? null : {},
  } as const;
  const drawn = panel.series.map((series): Layers[number] => {
    const row = (bin: Bin, seconds: number): object => ({
      at: seconds / unitS,
      to: bin.to_s / unitS,
      series: series.name,
      value: series.value(bin),
    });
    if (series.mark === 'bar') {
      const values = bins.map((bin) => row(bin, bin.from_s));
      return {
        data: { values },
        mark: { type: 'rect', clip: true },
        encoding: { x, x2: { field: 'to' }, y, y2: { datum: 0 }, color },
      };
    }
    // Each bin from its start to its end, so that one beside a gap is seen too.
    const values = bins.flatMap((bin) => [row(bin, bin.from_s), row(bin, bin.to_s)]);
    const mark =
      series.mark === 'area'
        ? ({ type: 'area', opacity: 0.4, clip: true } as const)
        : ({ type: 'line', strokeWidth: 1.75, clip: true } as const);
    return { data: { values }, mark, encoding: { x, y, color } };
  });
  const hover: Layers[number] = {
    data: {
      values: bins.map((bin) => ({ at: bin.from_s / unitS, to: bin.to_s / unitS, text: binText(panel, bin) })),
    },
    mark: { type: 'rect', opacity: 0, color: COLOURS.ink, clip: true },
    encoding: { x, x2: { field: 'to' }, tooltip: { field: 'text', type: 'nominal' } },
  };
  const params = [
    { name: 'from', value: 0 },
    { name: 'to', value: endS / unitS },
  ];
  return { width: 'container', height: panel.height, params, layer: [...shade(timeline, unitS, x), ...drawn, hover] };
}

/** Warm-up and cool-down as shaded spans, behind what is drawn. */
function shade({ left_out }: Pick<TimeBins<unknown>, 'left_out'>, unitS: number, x: Position): Layers {
  if (left_out.length === 0) return [];
  return [
    {
      data: { values: left_out.map(({ from_s, to_s }) => ({ at: from_s / unitS, to: to_s / unitS })) },
      mark: { type: 'rect', color: COLOURS.muted, opacity: 0.15, clip: true },
      encoding: { x, x2: { field: 'to' } },
    },
  ];
}

/** `bins of 250 ms`, and what the shade means. */
export function binWords(timeline: Omit<TimeBins<unknown>, 'bins'>): string {
  return `bins of ${secondsWords(timeline.bin_s)}${shadeWords(timeline)}`;
}

/** Nothing where all is measured. */
export function shadeWords({ left_out }: Pick<TimeBins<unknown>, 'left_out'>): string {
  return left_out.length === 0 ? '' : '; shaded: warm-up and cool-down, not measured';
}

/** The unit of an axis that ends there. */
export function timeUnit(endS: number): { unit: string; unitS: number } {
  if (endS < 1) return { unit: 'ms', unitS: 1e-3 };
  if (endS < 600) return { unit: 's', unitS: 1 };
  return endS < 4 * 3600 ? { unit: 'min', unitS: 60 } : { unit: 'h', unitS: 3600 };
}

function binText<Bin extends Span>({ series, nothing = 'too few requests' }: TimePanel<Bin>, bin: Bin): string {
  const parts = series.flatMap(({ name, value, words }) => {
    const at = value(bin);
    return at === null ? [] : [`${name} ${words(at)}`];
  });
  return `${afterWords(bin.from_s)}: ${parts.length === 0 ? nothing : parts.join(', ')}`;
}
