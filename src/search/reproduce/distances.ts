import type { ReproduceDistance } from '../../schema/reproduce.ts';
import { attained, axisOf, figureAt, type Cell } from './cells.ts';
import type { Ratio } from './experiment.ts';
import type { FigureName } from './figures.ts';

/** How many times one system's figure is another's, beside the published number, by the cells of one penalty. */
export function distanceOf(
  { what, of, to, figure, at, published }: Ratio,
  cells: readonly Cell[],
  gamma: number | null,
): ReproduceDistance {
  const known =
    figure === 'goodput' || figure === 'least-scale'
      ? goalRatios(cells, of, to, figure === 'goodput' ? 'rising' : 'falling')
      : figureRatios(cells, { of, to, figure, at });
  const ratios = known.flatMap((ratio) => (typeof ratio === 'number' ? [ratio] : []));
  const why = known.find((ratio) => typeof ratio === 'string');
  return {
    what,
    gamma,
    published: [...published],
    ours: ratios.length === 0 ? null : [Math.min(...ratios), Math.max(...ratios)],
    why: ratios.length > 0 ? null : (why ?? 'no point of both is known'),
  };
}

function figureRatios(
  cells: readonly Cell[],
  { of, to, figure, at }: Pick<Ratio, 'of' | 'to' | 'at'> & { readonly figure: FigureName },
): (number | string)[] {
  const { xs, seeds } = axisOf(cells);
  return (at ?? xs).flatMap((x) =>
    seeds.map((seed) => {
      const [above, below] = [of, to].map((series) => figureAt(cells, { series, x, seed }, figure));
      if (above === undefined || below === undefined) return 'a point is missing';
      return below === 0 ? `${to} carries nothing` : above / below;
    }),
  );
}

/** The highest rate, or the lowest SLO scale, at which 90 % are attained. */
function goalRatios(cells: readonly Cell[], of: string, to: string, axis: 'rising' | 'falling'): (number | string)[] {
  return axisOf(cells).seeds.map((seed) => {
    const [above, below] = [of, to].map((series) => ({ series, ...attained(cells, series, seed, axis) }));
    for (const found of [above, below]) {
      if (found === undefined || found.state === 'none') return `${found?.series} attains 90 % nowhere on the axis`;
      if (found.state === 'all') return `${found.series} attains 90 % everywhere on the axis`;
    }
    return (above?.at ?? Number.NaN) / (below?.at ?? Number.NaN);
  });
}
