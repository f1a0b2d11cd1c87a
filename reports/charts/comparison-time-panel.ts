import { timeUnit, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { ComparedBin, ComparedTimes, SideBin } from '../data/comparison-data.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { SIDES } from './comparison-ecdf-chart.ts';
import { targetMarks } from './target-series.ts';
import { binsTable, overText } from './time-chart.ts';
import { durationS, hoverLayer, legendBehind, timeFrame } from './time-panel.ts';

type Side = (typeof SIDES)[number];

/** So many points of a curve have its side's shape, so that it is told apart without colour too. */
const MARKED = 12;
/** Finer than a hundredth of a pixel: the page is full of these numbers. */
const FIGURES = 5;

/** A panel of both sides: what tells it apart from the other panels. */
export interface SidesPanel {
  readonly id: string;
  /** What is plotted, where it is left out. */
  readonly name: string;
  readonly title: string;
  readonly label: string;
  /** How to read it, where that is not plain. */
  readonly notes: readonly string[];
  readonly height: number;
  readonly curves: (side: SideBin) => Curves;
  readonly yTitle: string;
  readonly y: Position;
  /** Values under it are drawn at it: a log axis has no place for 0. */
  readonly least?: number;
  /** A side's values in a bin, as its tooltip has them. */
  readonly text: (side: SideBin) => string;
  /** Lines to compare with. */
  readonly levels: Layers;
  /** Columns of the table of one side, by their head. */
  readonly columns: Readonly<Record<string, (side: SideBin) => string>>;
}

/** A bin's values; null: nothing is drawn. */
export interface Curves {
  readonly middle: number | null;
  readonly tail: number | null;
  readonly band: readonly [number, number] | null;
}

export function sidesPanel(panel: SidesPanel, times: ComparedTimes, hasTimeLabels: boolean): Chart {
  const { id, title, label, notes, columns } = panel;
  const heads = SIDES.flatMap((side) =>
    Object.entries(columns).map(([head, cell]) => [`${side} ${head}`, (bin: ComparedBin): string => cell(bin[side])]),
  );
  return {
    id,
    title,
    label: `${label} by ${times.by === 'due' ? 'due time' : 'time of sending'} ${overText(times)}. ${title}.`,
    note: `${[`n = ${SIDES.map((side) => populationOf(times.bins, side)).join(', ')}`, ...notes].join('; ')}.`,
    spec: timeFrame(times, { height: panel.height, hasTimeLabels }, (x) => layersOf(panel, times, x)),
    table: binsTable(times, Object.fromEntries(heads)),
  };
}

function populationOf(bins: readonly ComparedBin[], side: Side): string {
  const failed = totalOf(bins, (bin) => bin[side].failed);
  const requests = countText(
    totalOf(bins, (bin) => bin[side].requests),
    'request',
  );
  return `${requests} of ${side}${failed === 0 ? '' : ` (${withThousands(failed)} failed)`}`;
}

/** Of each side the band, then the thin and the thick line over all of these, each bin from its start to its end. */
function layersOf(
  { curves, y, yTitle, least = 0, levels, text }: SidesPanel,
  { bins }: ComparedTimes,
  x: Position,
): Layers {
  const { unitS } = timeUnit(durationS(bins));
  const { color, shape } = targetMarks(SIDES, legendBehind(yTitle));
  const place = (value: number | null): number | null => (value === null ? null : round(Math.max(least, value)));
  const ofBoth = <Row>(
    rowsOf: (curve: Curves, bin: ComparedBin, side: Side) => readonly Row[],
  ): (Row & { target: string })[] =>
    SIDES.flatMap((side) =>
      bins.flatMap((bin) => rowsOf(curves(bin[side]), bin, side).map((row) => ({ target: side, ...row }))),
    );
  const line = (valueOf: (curve: Curves) => number | null, strokeWidth: number): Layers[number] => ({
    data: {
      values: ofBoth((curve, bin) =>
        [bin.from_s, bin.to_s].map((seconds) => ({ at: round(seconds / unitS), value: place(valueOf(curve)) })),
      ),
    },
    mark: { type: 'line', strokeWidth, clip: true },
    encoding: { x, y, color },
  });
  const bands = ofBoth(({ band }, { from_s, to_s }) =>
    band === null
      ? []
      : [{ at: round(from_s / unitS), to: round(to_s / unitS), value: place(band[0]), high: place(band[1]) }],
  );
  const isMarked = markedBins(bins, curves);
  return [
    ...(bands.length === 0
      ? []
      : [
          {
            data: { values: bands },
            mark: { type: 'rect', opacity: 0.2, clip: true },
            encoding: { x, x2: { field: 'to' }, y, y2: { field: 'high' }, color },
          } satisfies Layers[number],
        ]),
    ...(bins.some((bin) => SIDES.some((side) => curves(bin[side]).tail !== null)) ? [line(({ tail }) => tail, 1)] : []),
    line(({ middle }) => middle, 2.5),
    {
      data: {
        values: ofBoth(({ middle }, bin, side) =>
          middle === null || !isMarked(bin, side)
            ? []
            : [{ at: round((bin.from_s + bin.to_s) / 2 / unitS), value: place(middle) }],
        ),
      },
      mark: { type: 'point', filled: true, opacity: 1, size: 45, clip: true },
      encoding: { x, y, color, shape },
    },
    ...levels,
    hoverLayer(bins, x, (bin) => SIDES.map((side) => `${side} ${text(bin[side])}`).join('; ')),
  ];
}

/** Base and new in turn, so that both shapes are seen where the curves are one. */
function markedBins(
  bins: readonly ComparedBin[],
  curves: SidesPanel['curves'],
): (bin: ComparedBin, side: Side) => boolean {
  const known = bins.filter((bin) => SIDES.some((side) => curves(bin[side]).middle !== null));
  const step = Math.max(2, Math.ceil(known.length / MARKED));
  const places = new Map(known.map((bin, i) => [bin, i % step]));
  return (bin, side) => places.get(bin) === (side === 'base' ? 0 : Math.floor(step / 2));
}

/** Over all bins. */
export function totalOf(bins: readonly ComparedBin[], amountOf: (bin: ComparedBin) => number): number {
  return bins.reduce((sum, bin) => sum + amountOf(bin), 0);
}

function round(value: number): number {
  return Number(value.toPrecision(FIGURES));
}
