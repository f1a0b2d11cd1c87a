import { crossing, type Crossing } from '../../metrics/crossing.ts';
import type { FigureName, Figures } from './figures.ts';

/** Share of the requests that has to meet both limits. */
export const GOAL = 0.9;

/** What one simulation, or one search, of a part gave. */
export interface Cell {
  readonly series: string;
  /** `mixed_batch_penalty` with which the part is judged; null where it has none. */
  readonly gamma: number | null;
  readonly seed: number;
  /** Null where the grid has no axis. */
  readonly x: number | null;
  readonly figures: Figures;
}

/** The cells of a system in the order of their x, those of one x in the order of their seeds. */
export function cellsOf(cells: readonly Cell[], series: string): readonly Cell[] {
  return cells.filter((cell) => cell.series === series).toSorted((a, b) => (a.x ?? 0) - (b.x ?? 0) || a.seed - b.seed);
}

/** A figure at an x with a seed; undefined where it is not known. */
export function figureAt(
  cells: readonly Cell[],
  { series, x, seed }: Pick<Cell, 'series' | 'x' | 'seed'>,
  figure: FigureName,
): number | undefined {
  return cells.find((cell) => cell.series === series && cell.x === x && cell.seed === seed)?.figures[figure];
}

/** Every x, ascending, and every seed of the cells. */
export function axisOf(cells: readonly Cell[]): {
  readonly xs: readonly (number | null)[];
  readonly seeds: readonly number[];
} {
  return {
    xs: [...new Set(cells.map(({ x }) => x))].toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    seeds: [...new Set(cells.map(({ seed }) => seed))].toSorted((a, b) => a - b),
  };
}

/** How far a system attains the goal: along rising rates, or with `falling` along falling SLO scales. */
export function attained(
  cells: readonly Cell[],
  series: string,
  seed: number,
  axis: 'rising' | 'falling' = 'rising',
): Crossing {
  const points = cellsOf(cells, series).flatMap(({ x, seed: own, figures: { attainment } }) =>
    x === null || own !== seed || attainment === undefined ? [] : [{ x, attainment, ci95: null, overloaded: false }],
  );
  return crossing(axis === 'rising' ? points : points.toReversed(), GOAL);
}
