import { metricLabel } from '../../reports/index.ts';
import { lnClockError } from '../certificate/clock-error.ts';
import { exp, ln } from '../core/portable-math.ts';
import { formatShare } from '../core/units.ts';
import { version } from '../core/version.ts';
import {
  isGoodput,
  isMoreBetter,
  type ComparedMetric,
  type ComparedSide,
  type Comparison,
  type FigureName,
} from '../schema/comparison.ts';
import type { NightLevel } from '../trend/baseline.ts';
import { intervalOf, type Order } from './change.ts';
import { doubtsOf } from './doubts.ts';
import { driftDoubts, placesOf } from './drift.ts';
import { JUDGED, type JudgedMetric } from './judged.ts';
import { isExact, requireSameLoad } from './likeness.ts';
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
  const found = orderOf(base, now);
  const order = levels === undefined || found === 'exact' ? found : 'nights';
  const all = JUDGED.map((metric) => ({
    ...valuesOf(metric, base, now),
    level: order === 'nights' ? levels?.[metric.name] : undefined,
  }));
  const judged = all.filter(({ isKnown }) => isKnown);
  const doubts = [
    ...doubtsOf(base, now, isPaired),
    ...missingDoubts(all),
    ...driftDoubts(judged, placesOf(base, now), order),
    ...startDoubts(base, now),
    ...clockDoubts(judged, ln(1 + margin)),
  ];
  const isBlocked = doubts.some(({ blocks }) => blocks);
  const [first] = base;
  if (first === undefined) fail();
  const { manifest } = first;
  return {
    schema: 1,
    base: sideOf(base, names[0]),
    new: sideOf(now, names[1]),
    ...judgeFamily(judged, { order, margin, isOneRun: base.length < 2 || now.length < 2, isBlocked }),
    doubts,
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

interface FamilyOptions {
  /** How what the figures are of was made. */
  readonly order: Order;
  readonly margin: number;
  /** One run stands for a system. */
  readonly isOneRun: boolean;
  /** They cannot be believed. */
  readonly isBlocked: boolean;
}

/** Judges figures of two systems together. */
export function judgeFamily(
  judged: readonly JudgedFigure[],
  { order, margin, isOneRun, isBlocked }: FamilyOptions,
): Pick<Comparison, 'verdict' | 'provisional' | 'order' | 'margin' | 'metrics'> {
  const lnMargin = ln(1 + margin);
  const tested = testFamily(judged, order, lnMargin);
  const isProvisional = order !== 'exact' && order !== 'nights' && isOneRun;
  const metrics = judged.map((values, i) => comparedMetric(values, tested[i] ?? fail(), { lnMargin, isProvisional }));
  return {
    verdict: overall(
      metrics.map(({ verdict }) => verdict),
      isBlocked,
    ),
    provisional: isProvisional,
    order,
    margin,
    metrics,
  };
}

/** Exact: nothing but the system differs. Paired: the i-th of each are neighbours in time, as A B B A has them. */
function orderOf(base: readonly LoadedRun[], now: readonly LoadedRun[]): Order {
  if ([...base, ...now].every(isExact)) return 'exact';
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

interface FigureOfRuns extends JudgedFigure {
  /** Whether every run has it. */
  readonly isKnown: boolean;
  /** Whether some run has it. */
  readonly isThere: boolean;
}

function valuesOf(
  { name, of, step, clockErrorMs }: JudgedMetric,
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
): FigureOfRuns {
  const ofAll = (runs: readonly LoadedRun[]): (number | null)[] => runs.map(({ summary }) => of(summary));
  const [a, b] = [ofAll(base), ofAll(now)];
  const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
  return {
    name,
    base: known(a),
    now: known(b),
    isKnown: [...a, ...b].every((value) => value !== null),
    isThere: [...a, ...b].some((value) => value !== null),
    isFinite: haveLogarithms([...known(a), ...known(b)]),
    clock: lnClockError(known([...base, ...now].map(({ summary }) => clockErrorMs?.(summary) ?? null)), [
      ...known(a),
      ...known(b),
    ]),
    step: Math.max(...[...base, ...now].map(({ summary }) => step?.(summary) ?? 0)),
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
    const both = outright(base, now, moreIsBetter);
    // Two searches without a good rate say only that it is below their lowest.
    const found = both.verdict === 'same' && isGoodput(name) ? { ...both, verdict: 'undecided' as const } : both;
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

/** The error of the clocks, where it is large against what counts as the same. */
function clockDoubts(judged: readonly FigureOfRuns[], lnMargin: number): Comparison['doubts'] {
  const [worst] = judged.toSorted((a, b) => (b.clock ?? 0) - (a.clock ?? 0));
  if (worst?.clock === undefined || worst.clock === 0 || worst.clock <= lnMargin / 2) return [];
  const share = formatShare(exp(worst.clock) - 1);
  return [
    {
      code: 'clock',
      blocks: false,
      text: `the clocks of the clients alone may change ${metricLabel(worst.name)} by ${share} (reprise calibrate): that is added to the intervals`,
    },
  ];
}

/** A figure that some runs alone have, as results of other tools may, is not judged: then the family is not whole. */
function missingDoubts(all: readonly FigureOfRuns[]): Comparison['doubts'] {
  const names = all.filter(({ isKnown, isThere }) => isThere && !isKnown).map(({ name }) => metricLabel(name));
  if (names.length === 0) return [];
  return [{ code: 'missing', blocks: true, text: `not every run has ${names.join(', ')}: that is not compared` }];
}

/** Of figures that are infinite or zero in some runs: better or worse where most runs of one side alone are. */
function outright(
  base: readonly number[],
  now: readonly number[],
  moreIsBetter: boolean,
): Pick<ComparedMetric, 'verdict' | 'why'> {
  const isBad = (value: number): boolean => (moreIsBetter ? value === 0 : value === Infinity);
  const [ofBase, ofNow] = [base.filter(isBad).length, now.filter(isBad).length];
  const isEverywhere = ofBase === base.length && ofNow === now.length;
  const where = (bad: number, of: number, side: string): string[] =>
    bad === 0 ? [] : [bad === of ? `every run of ${side}` : `${bad} of ${of} runs of ${side}`];
  const places = [...where(ofBase, base.length, 'base'), ...where(ofNow, now.length, 'new')];
  const why = `${moreIsBetter ? 'zero' : 'fails'} in ${isEverywhere ? 'every run' : places.join(' and ')}`;
  if (moreIsBetter && isEverywhere) return { verdict: 'same', why };
  if (ofBase * 2 > base.length && ofNow === 0) return { verdict: 'better', why };
  if (ofNow * 2 > now.length && ofBase === 0) return { verdict: 'worse', why };
  return { verdict: 'undecided', why };
}

/** The geometric mean; null where a value is infinite or none. */
function middle(values: readonly number[]): number | null {
  if (values.some((value) => !Number.isFinite(value))) return null;
  if (values.includes(0)) return 0;
  return exp(values.reduce((sum, value) => sum + ln(value), 0) / values.length);
}

/** Of a family: what is worse in one figure is not better for another; runs that cannot be believed show neither. */
function overall(verdicts: readonly ComparedMetric['verdict'][], isBlocked: boolean): Comparison['verdict'] {
  const found =
    (['worse', 'better', 'provisional'] as const).find((verdict) => verdicts.includes(verdict)) ??
    (verdicts.length > 0 && verdicts.every((verdict) => verdict === 'same') ? 'same' : 'undecided');
  return isBlocked && found !== 'provisional' ? 'undecided' : found;
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
