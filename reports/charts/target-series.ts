import type { Color, Layers } from './chart.ts';
import { BESIDE_PLOT, COLOURS } from './theme.ts';

const SERIES = [COLOURS.first, COLOURS.second, COLOURS.third, COLOURS.fourth, COLOURS.muted, COLOURS.ink];
const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'triangle-down',
  'cross',
  'triangle-right',
  'triangle-left',
];

type Shape = NonNullable<NonNullable<Extract<Layers[number], { mark: unknown }>['encoding']>['shape']>;

/** How targets are told apart, in every chart of a page: by colour and by the shape of their points. */
export interface TargetMarks {
  readonly color: Color;
  readonly shape: Shape;
}

/** In a place of its own, by pixels from the plot's corner; by default above the plot. */
type LegendPlace =
  | { readonly orient: 'none'; readonly legendX: number; readonly legendY: number }
  | Readonly<Record<string, never>>;

/**
 * Columns of a legend, so many that names of this length have room. By the width of the chart, which is known from the
 * beginning: `width`, that of the plot, is that of the chart until its axes are drawn, and a row that the legend gets then
 * would be cut off above.
 */
function columnsOf(names: readonly string[]): { readonly expr: string } {
  const longest = Math.max(...names.map(({ length }) => length));
  return { expr: `max(1, floor(((containerSize()[0] || width) - ${BESIDE_PLOT}) / ${longest * 7 + 30}))` };
}

/** By the field `target`, in the order of the names. A single target needs no legend; `place`: where it stands else. */
export function targetMarks(names: readonly string[], place: LegendPlace = {}): TargetMarks {
  const domain = [...names];
  const nth = (list: readonly string[]): string[] => names.map((_, i) => list[i % list.length] ?? '');
  const legend =
    names.length === 1 ? { legend: null } : { legend: { labelLimit: 0, columns: columnsOf(names), ...place } };
  return {
    color: { field: 'target', type: 'nominal', scale: { domain, range: nth(SERIES) }, ...legend },
    shape: { field: 'target', type: 'nominal', scale: { domain, range: nth(SHAPES) }, ...legend },
  };
}
