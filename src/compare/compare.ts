import { exp, ln } from '../core/portable-math.ts';
import { version } from '../core/version.ts';
import {
  isMoreBetter,
  type ComparedMetric,
  type ComparedSide,
  type Comparison,
  type FigureName,
} from '../schema/comparison.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { NightLevel } from '../trend/baseline.ts';
import { intervalOf, type Order } from './change.ts';
import { requireNoCopies } from './copies.ts';
import { driftDoubts, placesOf } from './drift.ts';
import { JUDGED, type JudgedMetric } from './judged.ts';
import { doubtsOf, requireSameLoad } from './likeness.ts';
import type { LoadedRun } from './load-runs.ts';
import { mostChanged } from './most-changed.ts';
import { startDoubts } from './starts.ts';
import { repeatsToDecide, smallestEffect, testFamily, verdictOf, type Family, type Tested } from './verdicts.ts';

export interface CompareOptions {
  /** Changes up to this share are the same. */
  readonly margin: number;
  /** Names of the two, where their targets do not tell them apart. */
  readonly names: readonly [base: string, now: string];
  /** Of one run each: what earlier nights say of the base's level, and of how runs spread. */
  readonly levels?: Levels;
}

/** A metric without one is provisional. */
export type Levels = Readonly<Partial<Record<FigureName, NightLevel>>>;

/**
 * Compares the runs of two systems under the same load (`statistics.md`, "Comparing two systems"). What is decided is by
 * runs, because what changes from start to start cannot be seen inside a run; requests are paired for what is shown.
 * Throws a UserError with what differs where they cannot be compared.
 */
export function compareRuns(
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
  { margin, names, levels }: CompareOptions,
): Comparison {
  const isPaired = requireSameLoad(base, now);
  for (const side of [base, now]) requireNoCopies(side);
  const found = orderOf(base, now);
  const order = levels === undefined || found === 'exact' ? found : 'nights';
  const judged = JUDGED.map((metric) => ({
    ...valuesOf(metric, base, now),
    level: order === 'nights' ? levels?.[metric.name] : undefined,
  })).filter(({ isKnown }) => isKnown);
  const [first] = base;
  if (first === undefined) fail();
  const { manifest } = first;
  return {
    schema: 1,
    base: sideOf(base, names[0]),
    new: sideOf(now, names[1]),
    ...judgeFamily(judged, { order, margin, isOneRun: base.length < 2 || now.length < 2 }),
    doubts: [
      ...doubtsOf(base, now, isPaired),
      ...driftDoubts(judged, placesOf(base, now), order),
      ...startDoubts(base, now),
    ],
    slo: manifest.slo === null ? null : { text: manifest.slo.text, limits_ms: manifest.slo.limits_ms },
    workload: {
      name: manifest.workload.name,
      requests: manifest.workload.requests,
      plan_sha256: manifest.plan_sha256,
    },
    paired_requests: isPaired ? first.requests.size : 0,
    most_changed: isPaired ? mostChanged(first, now[0] ?? first) : [],
    versions: { reprise: version() },
  };
}

/** Judges figures of two systems together, by how what they are of was made; `isOneRun`: one of a system. */
export function judgeFamily(
  judged: readonly JudgedFigure[],
  { order, margin, isOneRun }: { readonly order: Order; readonly margin: number; readonly isOneRun: boolean },
): Pick<Comparison, 'verdict' | 'provisional' | 'order' | 'margin' | 'metrics'> {
  const lnMargin = ln(1 + margin);
  const tested = testFamily(judged, order, lnMargin);
  const isProvisional = order !== 'exact' && order !== 'nights' && isOneRun;
  const metrics = judged.map((values, i) => comparedMetric(values, tested[i] ?? fail(), { lnMargin, isProvisional }));
  return {
    verdict: overall(metrics.map(({ verdict }) => verdict)),
    provisional: isProvisional,
    order,
    margin,
    metrics,
  };
}

/** Whether the same again has the same figures, to the bit. */
export function isExact({ clock, target }: Manifest): boolean {
  return clock === 'virtual' && (target.facts['noise'] ?? 0) === 0 && (target.facts['run_noise'] ?? 0) === 0;
}

/** Exact: nothing but the system differs. Paired: the i-th of each are neighbours in time, as A B B A has them. */
function orderOf(base: readonly LoadedRun[], now: readonly LoadedRun[]): Order {
  if ([...base, ...now].every(({ manifest }) => isExact(manifest))) return 'exact';
  if (base.length !== now.length || base.length < 2) return 'separate';
  const all = [...base, ...now].toSorted((a, b) => (a.manifest.started_at < b.manifest.started_at ? -1 : 1));
  const places = new Map(all.map((run, place) => [run, place]));
  const isNeighbour = (run: LoadedRun, i: number): boolean => {
    const [a, b] = [places.get(run) ?? 0, places.get(now[i] ?? run) ?? 0];
    return Math.floor(a / 2) === i && Math.floor(b / 2) === i;
  };
  return base.every(isNeighbour) ? 'paired' : 'separate';
}

/** The values of a figure in the runs of both. */
export interface JudgedFigure extends Family {
  readonly name: FigureName;
}

function valuesOf(
  { name, of }: JudgedMetric,
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
): JudgedFigure & {
  /** Whether every run has it. */
  readonly isKnown: boolean;
} {
  const ofAll = (runs: readonly LoadedRun[]): (number | null)[] => runs.map(({ summary }) => of(summary));
  const [a, b] = [ofAll(base), ofAll(now)];
  const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
  return {
    name,
    base: known(a),
    now: known(b),
    isKnown: [...a, ...b].every((value) => value !== null),
    isFinite: haveLogarithms([...known(a), ...known(b)]),
  };
}

export function haveLogarithms(values: readonly number[]): boolean {
  return values.every((value) => Number.isFinite(value) && value > 0);
}

function comparedMetric(
  { name, base, now, level }: JudgedFigure,
  { change, pValue, adjustedP }: Tested,
  { lnMargin, isProvisional }: { readonly lnMargin: number; readonly isProvisional: boolean },
): ComparedMetric {
  const moreIsBetter = isMoreBetter(name);
  const shown = (values: readonly number[]): (number | null)[] =>
    values.map((value) => (Number.isFinite(value) ? value : null));
  const common = {
    name,
    more_is_better: moreIsBetter,
    base: level === undefined ? middle(base) : exp(level.lnCentre),
    new: middle(now),
    base_runs: shown(base),
    new_runs: shown(now),
  };
  if (change === null) {
    const found = outright(base, now, moreIsBetter);
    const verdict = isProvisional && found.verdict !== 'undecided' ? 'provisional' : found.verdict;
    return { ...common, ...NOTHING_KNOWN, ...found, verdict };
  }
  const changes = (interval: readonly [number, number] | null): [number, number] | null =>
    interval === null ? null : [exp(interval[0]) - 1, exp(interval[1]) - 1];
  const share = (of: number | null): number | null => (of === null ? null : exp(of) - 1);
  return {
    ...common,
    change: exp(change.ln) - 1,
    ci95: changes(intervalOf(change, 0.95)),
    bounds95: changes(intervalOf(change, 0.9)),
    p_value: pValue,
    p_adjusted: adjustedP,
    verdict: verdictOf(change, { margin: lnMargin, adjustedP, moreIsBetter }),
    why: null,
    smallest_effect: share(smallestEffect(change, lnMargin)),
    repeats_to_decide: repeatsToDecide(change, lnMargin),
  };
}

const NOTHING_KNOWN = {
  change: null,
  ci95: null,
  bounds95: null,
  p_value: null,
  p_adjusted: null,
  smallest_effect: null,
  repeats_to_decide: null,
} as const;

/** Of figures that are infinite or zero in some runs: better or worse where most runs of one side alone are. */
function outright(
  base: readonly number[],
  now: readonly number[],
  moreIsBetter: boolean,
): Pick<ComparedMetric, 'verdict' | 'why'> {
  const isBad = (value: number): boolean => (moreIsBetter ? value === 0 : value === Infinity);
  const [bad, good] = [
    (of: readonly number[]) => of.filter(isBad).length * 2 > of.length,
    (of: readonly number[]) => !of.some(isBad),
  ];
  const what = moreIsBetter ? 'zero' : 'infinite: failed requests reach into the quantile';
  if (bad(base) && good(now)) return { verdict: 'better', why: `base is ${what}` };
  if (good(base) && bad(now)) return { verdict: 'worse', why: `new is ${what}` };
  return { verdict: 'undecided', why: `some runs of ${good(base) ? 'new' : good(now) ? 'base' : 'both'} are ${what}` };
}

/** The geometric mean; null where a value is infinite or none. */
function middle(values: readonly number[]): number | null {
  if (values.some((value) => !Number.isFinite(value))) return null;
  if (values.includes(0)) return 0;
  return exp(values.reduce((sum, value) => sum + ln(value), 0) / values.length);
}

/** Of a family: what is worse in one figure is not better for another. */
function overall(verdicts: readonly ComparedMetric['verdict'][]): Comparison['verdict'] {
  for (const verdict of ['worse', 'better'] as const) if (verdicts.includes(verdict)) return verdict;
  if (verdicts.includes('provisional')) return 'provisional';
  return verdicts.every((verdict) => verdict === 'same') ? 'same' : 'undecided';
}

function sideOf(runs: readonly LoadedRun[], name: string): ComparedSide {
  const [first] = runs;
  const { spec, kind, model } = (first ?? fail()).manifest.target;
  return {
    name,
    target: { spec, kind, model },
    runs: runs.map(({ dir, manifest: { run_id, started_at, status, salt }, summary }) => ({
      dir,
      run_id,
      started_at,
      status,
      valid: summary.validity.valid,
      salt,
    })),
  };
}

function fail(): never {
  throw new Error('there is no run to compare');
}
