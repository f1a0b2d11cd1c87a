import type { Request } from '../../src/core/request.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { Arrivals } from '../inspect/arrivals.ts';
import { JointLengths } from '../inspect/joint.ts';
import { PrefixReuse } from '../inspect/prefix.ts';

/** How a figure of what was made may differ from the trace's: by so much, or by this share of it. */
type Bound = { readonly by: number } | { readonly share: number } | null;

/** One figure of a trace beside that of what was made like it. */
export interface FitFigure {
  readonly name: string;
  /** Null where the trace does not have it; 0 where the figure is a distance from the trace. */
  readonly trace: number | null;
  readonly made: number | null;
  readonly bound: Bound;
  /** Null: there is nothing to compare, or no bound. */
  readonly isWithin: boolean | null;
  /** Which of the figures that are counted it is; null: a distance, for which both samples are held. */
  readonly counted: keyof CountedFigures | null;
}

/** What can be counted of requests one after another. Null where there are too few for a figure. */
export type CountedFigures = Readonly<
  Record<'requests' | 'rate' | 'cv' | 'idc1' | 'idc10' | 'idc60' | 'peak' | 'rank' | 'reuse', number | null>
>;

/** How near a distribution of a sample is to that of the trace: the distance itself, since many requests reject any model. */
const NEAR = 0.02;
/** Times the square root of 1/n + 1/m: what the distance of two samples of one distribution exceeds in 5 of 100 cases. */
const BY_CHANCE = 1.358;
const LIKE: Bound = { share: 0.15 };

/**
 * How like a trace what was made like it is: the distance of distributions (Kolmogorov and Smirnov's, of two samples), how
 * arrivals vary, what of prefixes can be found again, and whether long prompts have long answers.
 */
export function fitQuality(
  trace: readonly Request[],
  made: readonly Request[],
  blockTokens: number | undefined,
): FitFigure[] {
  const [a, b] = [figuresOf(trace, blockTokens), figuresOf(made, blockTokens)];
  const beside = (name: string, counted: keyof CountedFigures, bound: Bound): FitFigure =>
    judged({ name, trace: a.counted[counted], made: b.counted[counted], bound, counted });
  const apart = (name: string, key: keyof typeof a.samples): FitFigure =>
    judged({
      name,
      trace: 0,
      made: distance(a.samples[key], b.samples[key]),
      bound: near(a.samples[key], b.samples[key]),
      counted: null,
    });
  return [
    beside('requests', 'requests', null),
    beside('requests a second', 'rate', null),
    apart('distance of gaps (KS)', 'gaps'),
    apart('distance of input tokens (KS)', 'input'),
    apart('distance of output tokens (KS)', 'output'),
    beside('CV of gaps', 'cv', LIKE),
    beside('IDC, 1 s', 'idc1', LIKE),
    beside('IDC, 10 s', 'idc10', LIKE),
    beside('IDC, 60 s', 'idc60', LIKE),
    beside('busiest 10 s over the mean', 'peak', LIKE),
    beside('rank correlation, input and output', 'rank', { by: 0.03 }),
    ...(a.counted.reuse === null ? [] : [beside('reusable prefix blocks', 'reuse', { by: 0.01 })]),
  ];
}

/** Few requests are further apart by chance alone. */
function near({ length: n }: Float64Array, { length: m }: Float64Array): Bound {
  const byChance = BY_CHANCE * Math.sqrt(1 / Math.max(1, n) + 1 / Math.max(1, m));
  return { by: Math.max(NEAR, Math.ceil(byChance * 1000) / 1000) };
}

/** With the verdict on it. */
export function judged(figure: Omit<FitFigure, 'isWithin'>): FitFigure {
  const { trace, made, bound } = figure;
  if (trace === null || made === null || bound === null) return { ...figure, isWithin: null };
  const most = 'by' in bound ? bound.by : bound.share * Math.abs(trace);
  return { ...figure, isWithin: Math.abs(made - trace) <= most };
}

interface Figures {
  readonly counted: CountedFigures;
  readonly samples: Readonly<Record<'gaps' | 'input' | 'output', Float64Array>>;
}

function figuresOf(requests: readonly Request[], blockTokens: number | undefined): Figures {
  const counter = new FigureCounter(blockTokens);
  for (const request of requests) counter.add(request);
  const ofEach = (value: (request: Request) => number): Float64Array => Float64Array.from(requests, value).sort();
  return {
    counted: counter.figures(),
    samples: {
      gaps: Float64Array.from(requests.slice(1), ({ dueUs }, i) => dueUs - (requests[i]?.dueUs ?? 0)).sort(),
      input: ofEach(({ inputTokens }) => inputTokens),
      output: ofEach(({ outputTokens }) => outputTokens),
    },
  };
}

/** Counts requests of any number, which are not held. */
export class FigureCounter {
  readonly #arrivals = new Arrivals();
  readonly #lengths = new JointLengths();
  readonly #prefix: PrefixReuse;
  #requests = 0;

  constructor(blockTokens: number | undefined) {
    this.#prefix = new PrefixReuse(blockTokens ?? null);
  }

  add(request: Request): void {
    this.#arrivals.add(request.dueUs);
    this.#lengths.add(request.inputTokens, request.outputTokens);
    this.#prefix.add(request);
    this.#requests++;
  }

  figures(): CountedFigures {
    const { rate_rps, iat_cv, idc, peak_10s_over_mean } = this.#arrivals.statistics();
    return {
      requests: this.#requests,
      rate: rate_rps,
      cv: iat_cv,
      idc1: idc['1s'],
      idc10: idc['10s'],
      idc60: idc['60s'],
      peak: peak_10s_over_mean,
      rank: this.#requests < 2 ? null : this.#lengths.statistics().spearman,
      reuse: this.#prefix.statistics()?.max_hit_ratio ?? null,
    };
  }
}

/** Kolmogorov and Smirnov's distance of two samples in order; null where one is empty. */
function distance(one: Float64Array, other: Float64Array): number | null {
  if (one.length === 0 || other.length === 0) return null;
  let [i, j, most] = [0, 0, 0];
  while (i < one.length && j < other.length) {
    const value = Math.min(one[i] ?? 0, other[j] ?? 0);
    while (one[i] === value) i++;
    while (other[j] === value) j++;
    most = Math.max(most, Math.abs(i / one.length - j / other.length));
  }
  return most;
}

/** As a table, a figure a line. */
export function fitQualityText(figures: readonly FitFigure[], names: readonly [trace: string, made: string]): string {
  return tableText(rowsOf(figures, names));
}

/**
 * The same of a file that may be longer or shorter than the trace: its own figures stand beside those that are judged
 * wherever any differs.
 */
export function writtenQualityText(
  figures: readonly FitFigure[],
  { trace, file, counted }: { readonly trace: string; readonly file: string; readonly counted: CountedFigures },
): string {
  const own = figures.map((figure) => (figure.counted === null ? null : valueText(counted[figure.counted])));
  if (own.every((cell, i) => cell === null || cell === valueText(figures[i]?.made ?? null)))
    return `How like ${trace} ${file} is, which is as long\n${fitQualityText(figures, ['trace', 'written'])}`;
  const beside = ['written', ...own.map((cell) => cell ?? '')];
  const rows = rowsOf(figures, ['trace', 'fit']).map((row, i) => [...row, beside[i] ?? '']);
  return [
    `How like ${trace} the fit is over as long a time, from which ${file} differs:`,
    `"written" is ${file} itself, which is not judged`,
    tableText(rows),
  ].join('\n');
}

/** The name, the trace, what was made, the bound. */
function rowsOf(figures: readonly FitFigure[], names: readonly [trace: string, made: string]): string[][] {
  return [
    ['', ...names, ''],
    ...figures.map(({ name, trace, made, bound, isWithin }) => [
      name,
      bound !== null && 'by' in bound && trace === 0 ? '' : valueText(trace),
      valueText(made),
      isWithin === null ? '' : `${boundText(bound)}${isWithin ? '' : ', beyond'}`,
    ]),
  ];
}

/** Words to the left, numbers to the right. */
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const isWords = (column: number): boolean => column === 0 || column === BOUNDS;
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isWords(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The column of the bounds. */
const BOUNDS = 3;

function boundText(bound: Bound): string {
  if (bound === null) return '';
  return 'by' in bound ? `within ${bound.by}` : `within ${bound.share * 100} %`;
}

function valueText(value: number | null): string {
  if (value === null) return '-';
  return Number.isInteger(value) ? withThousands(value) : threeFigures(value);
}
