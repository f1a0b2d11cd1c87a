import type { Layers, Position } from './chart.ts';
import { COLOURS } from './theme.ts';

/** Height of the strip for failed requests and its distance to the plot under it, in pixels. */
const STRIP = { height: 12, gap: 8 };
/** Opacity in that strip of the smallest share. */
const FAINTEST = 0.25;

/** Where marks stand along x, from field to field. */
export interface Along {
  readonly x: Position;
  /** The field of the end of a mark. */
  readonly to: string;
  /** Whether marks may lie beyond the ends of x, as when it is zoomed. */
  readonly clip: boolean;
}

/** Pixels of y, from the bottom of the plot to the strip on top of it, if there is one. */
export function plotRange(height: number, failed: number): [bottom: number, top: number] {
  return [height, failed === 0 ? 0 : STRIP.height + STRIP.gap];
}

/** A log domain for a plot of that height, extended upwards by what the strip on top of it needs, if there is one. */
export function domainUnderStrip(
  [low, high]: readonly [number, number],
  height: number,
  failed: number,
): [number, number] {
  const [bottom, top] = plotRange(height, failed);
  return [low, low * (high / low) ** (height / (bottom - top))];
}

/** The stronger, the larger the count. A tooltip where it has a text. */
interface Cell {
  readonly count: number;
  readonly text?: string;
}

/** A rectangle a cell, from `y`'s field to `yTo`. */
export function cellLayer(
  cells: readonly Cell[],
  { x, to, clip }: Along,
  { y, yTo }: { readonly y: Position; readonly yTo: string },
): Layers[number] {
  const most = cells.reduce((high, { count }) => Math.max(high, count), 1);
  return {
    data: { values: [...cells] },
    mark: { type: 'rect', color: COLOURS.first, clip },
    encoding: {
      x,
      x2: { field: to },
      y,
      y2: { field: yTo },
      opacity: {
        field: 'count',
        type: 'quantitative',
        scale: { type: 'sqrt', domain: [0, most], range: [0.05, 0.95] },
        legend: null,
      },
      ...tooltipOf(cells),
    },
  };
}

/** The stronger, the larger the share. A tooltip where it has a text. */
interface Failed {
  readonly share: number;
  readonly text?: string;
}

/** Failed requests along x as a strip above the plot. */
export function failedStrip(failed: readonly Failed[], { x, to, clip }: Along): Layers {
  if (failed.length === 0) return [];
  return [
    {
      data: {
        values: failed.map(({ share, ...each }) => ({
          ...each,
          opacity: FAINTEST + (1 - FAINTEST) * Math.sqrt(share),
        })),
      },
      mark: { type: 'rect', color: COLOURS.bad, clip },
      encoding: {
        x,
        x2: { field: to },
        y: { value: 0 },
        y2: { value: STRIP.height },
        // No scale: it would be shared with that of the cells.
        opacity: { field: 'opacity', type: 'quantitative', scale: null },
        ...tooltipOf(failed),
      },
    },
    {
      data: { values: [{ text: 'failed' }] },
      mark: { type: 'text', align: 'right', color: COLOURS.badText },
      encoding: { x: { value: -6 }, y: { value: STRIP.height / 2 }, text: { field: 'text', type: 'nominal' } },
    },
  ];
}

function tooltipOf(marks: readonly { readonly text?: string }[]): { tooltip?: { field: 'text'; type: 'nominal' } } {
  return marks.some(({ text }) => text !== undefined) ? { tooltip: { field: 'text', type: 'nominal' } } : {};
}
