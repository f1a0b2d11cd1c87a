import type { Check, PublishedSeries } from './experiment.ts';
import { attained, axisOf, cellsOf, figureAt, GOAL, type Cell } from './cells.ts';
import type { FigureName } from './figures.ts';
import { threeFigures } from '../../core/units.ts';
import { listText } from '../../core/words.ts';

type CheckVerdict = 'holds' | 'does-not-hold' | 'not-comparable';

export interface Judged {
  readonly verdict: CheckVerdict;
  /** What was seen, as a sentence without its full stop. */
  readonly seen: string;
}

/** Judges a check by the cells of one `mixed_batch_penalty`. */
export function judge(check: Check, cells: readonly Cell[], published: readonly PublishedSeries[]): Judged {
  switch (check.kind) {
    case 'order':
      return order(check, cells);
    case 'monotone':
      return monotone(check, cells);
    case 'crossing':
      return crossing(check, cells);
    case 'binds':
      return binds(check, cells);
    case 'near':
      return near(check, cells, published);
    case 'ahead':
      return ahead(check, cells);
    case 'between':
      return between(check, cells);
    case 'shapes':
      return missing('no placement was searched');
    case 'none':
      return missing(check.why);
  }
}

type Of<K extends Check['kind']> = Extract<Check, { readonly kind: K }>;

const missing = (why: string): Judged => ({ verdict: 'not-comparable', seen: why });
export const verdictOf = (isHeld: boolean, seen: string): Judged => ({
  verdict: isHeld ? 'holds' : 'does-not-hold',
  seen,
});

function order({ figure, systems, at, factor = 1 }: Of<'order'>, cells: readonly Cell[]): Judged {
  const { xs, seeds } = axisOf(cells);
  const broken: string[] = [];
  const texts: string[] = [];
  for (const x of at ?? xs)
    for (const seed of seeds) {
      const values = systems.map((series) => figureAt(cells, { series, x, seed }, figure));
      const known = values.filter((value) => value !== undefined);
      if (known.length < systems.length) return missing(`${figure} is not known of all at ${x ?? 'all'}`);
      const text = `${placeText(x, seed, seeds)}${systems.map((series, i) => `${series} ${threeFigures(known[i] ?? 0)}`).join(', ')}`;
      texts.push(text);
      if (known.slice(1).some((value, i) => value <= (known[i] ?? 0) || value < (known[i] ?? 0) * factor))
        broken.push(text);
    }
  if (broken.length === 0) return verdictOf(true, texts.join('; '));
  const count = texts.length === 1 ? '' : `${broken.length} of ${texts.length} are otherwise: `;
  return verdictOf(false, `${count}${broken.join('; ')}`);
}

function placeText(x: number | null, seed: number, seeds: readonly number[]): string {
  const parts = [...(x === null ? [] : [`at ${x}`]), ...(seeds.length === 1 ? [] : [`seed ${seed}`])];
  return parts.length === 0 ? '' : `${parts.join(', ')}: `;
}

function monotone({ figure, systems, direction, slack }: Of<'monotone'>, cells: readonly Cell[]): Judged {
  const sign = direction === 'rises' ? 1 : -1;
  const broken = systems.flatMap((series) =>
    axisOf(cells).seeds.flatMap((seed) => {
      const points = pointsOf(cells, series, figure, seed);
      return points.slice(1).flatMap(({ x, y }, i) => {
        const before = points[i]?.y ?? y;
        return sign * (y - before) >= -slack
          ? []
          : [`${series} at ${x}: ${threeFigures(y)} after ${threeFigures(before)}`];
      });
    }),
  );
  if (systems.some((series) => cellsOf(cells, series).length < 2)) return missing('fewer than two points');
  return verdictOf(broken.length === 0, broken.length === 0 ? `${listText(systems)}: every point` : broken.join('; '));
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function pointsOf(cells: readonly Cell[], series: string, figure: FigureName, seed: number): Point[] {
  return cellsOf(cells, series).flatMap(({ x, seed: own, figures }) => {
    const y = figures[figure];
    return x === null || y === undefined || own !== seed ? [] : [{ x, y }];
  });
}

function crossing({ figure, first, second, within }: Of<'crossing'>, cells: readonly Cell[]): Judged {
  const { seeds } = axisOf(cells);
  const seen: string[] = [];
  let isHeld = true;
  for (const seed of seeds) {
    const others = new Map(pointsOf(cells, second, figure, seed).map(({ x, y }) => [x, y]));
    const signs = pointsOf(cells, first, figure, seed).flatMap(({ x, y }) => {
      const other = others.get(x);
      return other === undefined || other === y ? [] : [{ x, isLower: y < other }];
    });
    const turns = signs.slice(1).flatMap(({ x, isLower }, i) => {
      const before = signs[i];
      return before === undefined || before.isLower === isLower ? [] : [{ from: before.x, to: x }];
    });
    if (signs.length < 2) return missing('fewer than two points of both');
    const [turn] = turns;
    const isRight =
      turns.length === 1 &&
      turn !== undefined &&
      signs[0]?.isLower === true &&
      turn.to > within[0] &&
      turn.from < within[1];
    isHeld &&= isRight;
    const lower = signs[0]?.isLower === true ? first : second;
    seen.push(
      turns.length === 0
        ? `${lower} is lower at every point`
        : `${lower} is lower up to ${turns.map(({ from, to }) => `between ${from} and ${to}`).join(', and the other way ')}`,
    );
  }
  return verdictOf(isHeld, [...new Set(seen)].join('; '));
}

function binds({ system, limit }: Of<'binds'>, cells: readonly Cell[]): Judged {
  const first = cellsOf(cells, system).find(({ figures }) => (figures.attainment ?? 1) < GOAL);
  if (first === undefined) return missing(`${system} has no point at which fewer than 90 % meet both limits`);
  const { attainment_ttft: ttft = 1, attainment_tpot: tpot = 1 } = first.figures;
  const seen = `at ${first.x}, ${percent(ttft)} meet the limit on TTFT and ${percent(tpot)} that on TPOT`;
  return verdictOf(limit === 'ttft' ? ttft < tpot : tpot < ttft, seen);
}

function near(
  { figure, system, tolerance }: Of<'near'>,
  cells: readonly Cell[],
  published: readonly PublishedSeries[],
): Judged {
  const series = published.find((each) => each.system === system && each.figure === figure);
  const { seeds } = axisOf(cells);
  const points = (series?.points ?? []).flatMap(({ x, y }) =>
    seeds.flatMap((seed) => {
      const ours = figureAt(cells, { series: system, x, seed }, figure);
      return ours === undefined ? [] : [{ x, y, ours, off: ours / y - 1 }];
    }),
  );
  if (points.length === 0) return missing(`${system} has no point where one is published`);
  const furthest = points.reduce((most, each) => (Math.abs(each.off) > Math.abs(most.off) ? each : most));
  const place = furthest.x === null ? '' : `at ${furthest.x}: `;
  return verdictOf(
    Math.abs(furthest.off) <= tolerance,
    `${place}${threeFigures(furthest.ours)} for ${threeFigures(furthest.y)}, off by ${percent(furthest.off)}; ${percent(tolerance)} is allowed`,
  );
}

function ahead({ first, second }: Of<'ahead'>, cells: readonly Cell[]): Judged {
  const seen: string[] = [];
  let isHeld = true;
  for (const seed of axisOf(cells).seeds) {
    const [one, other] = [first, second].map((series) => attainedUpTo(cells, series, seed));
    if (one === undefined || other === undefined) return missing('a point is missing');
    if (one.rate === other.rate) return missing(`${first} and ${second} attain 90 % ${one.text}`);
    isHeld &&= one.rate > other.rate;
    seen.push(`${first} attains 90 % ${one.text}, ${second} ${other.text}`);
  }
  return verdictOf(isHeld, seen.join('; '));
}

function attainedUpTo(cells: readonly Cell[], series: string, seed: number): { rate: number; text: string } {
  const { at, state } = attained(cells, series, seed);
  if (at === null) return { rate: 0, text: 'at no rate of the grid' };
  if (state === 'all') return { rate: Infinity, text: 'at every rate of the grid' };
  return { rate: at, text: `up to ${threeFigures(at)}` };
}

function between({ figure, system, at, range: [low, high] }: Of<'between'>, cells: readonly Cell[]): Judged {
  const values = cellsOf(cells, system).flatMap(({ x, figures }) => {
    const y = figures[figure];
    return y === undefined || (at !== null && (x === null || !at.includes(x))) ? [] : [{ x, y }];
  });
  if (values.length === 0) return missing(`${figure} of ${system} is not known`);
  const texts = values.map(({ x, y }) => `${x === null ? '' : `at ${x}: `}${threeFigures(y)}`);
  return verdictOf(
    values.every(({ y }) => y >= low && y <= high),
    texts.join('; '),
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
}
