import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Levels } from '../../compare/compare.ts';
import { judgeCompareGate, type CompareGate, type JudgedCompareGate } from '../../compare/gates.ts';
import { unlikeLoad } from '../../compare/likeness.ts';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { describeRun } from '../../run/manifest.ts';
import { planRun } from '../../run/plan-run.ts';
import { compactTime } from '../../run/run.ts';
import type { Comparison } from '../../schema/comparison.ts';
import type { Accepted, Measurement, Night, RaisedAlarm } from '../../schema/history.ts';
import { missingNights, NEEDED_NIGHTS, nightLevel } from '../../trend/baseline.ts';
import { raisedBy, seriesOf, trendOf, type Trend } from '../../trend/trend.ts';
import { measuredText, reasonText } from '../../../reports/index.ts';
import { withFolder } from '../folder.ts';
import { checkBranchFolder } from './files.ts';
import { acceptNight, appendNight, branchFolder, historyOf, type BranchHistory } from './history.ts';
import type { Figures, Measure, Measured } from './measure.ts';

/** What a night is, before it is run. */
export interface NightSpec {
  /** Folder of all branches. */
  readonly dir: string;
  readonly branch: string;
  /** Whose nights say how figures spread while the branch has too few of its own; null: none. */
  readonly defaultBranch: string | null;
  readonly commit: string | null;
  readonly measure: Measure;
  readonly margin: number;
  readonly gates: readonly CompareGate[];
}

export interface NightHooks {
  /** Wall-clock time, which only commands may read: ISO 8601 in UTC. */
  readonly nowIso: () => string;
  /** Said before anything is sent. */
  readonly say: (text: string) => void;
}

export interface NightResult {
  readonly folder: string;
  readonly measured: Measured;
  readonly night: Night;
  /** Null: there is nothing to compare with, or nothing that can be compared. */
  readonly comparison: Comparison | null;
  readonly gates: readonly JudgedCompareGate[];
  /** Nights until one can be judged by how nights spread. */
  readonly missing: number;
  /** Of the branch, with this night. */
  readonly trend: Trend;
}

/**
 * One night: measure, compare with the accepted one by the spread of earlier nights, judge the gates, add it to the history.
 * The night is kept whatever comes out. Throws a UserError before anything is sent where it could not be compared.
 */
export async function nightly(night: NightSpec, hooks: NightHooks): Promise<NightResult> {
  // Two at once would each miss the other in its history, and load the machine for it.
  return withFolder(branchFolder(night.dir, night.branch), () => oneNight(night, hooks), '--baseline');
}

async function oneNight(night: NightSpec, hooks: NightHooks): Promise<NightResult> {
  const history = historyOf(night.dir, night.branch);
  checkBranchFolder(history.folder);
  requireSameMeasure(night.measure.of, history);
  await requireComparable(night.measure, history);
  const levels = levelsOf(night.measure, history, othersOf(night));
  hooks.say(introduction(history, levels));
  const startedAt = hooks.nowIso();
  const dir = newFolder(history, startedAt);
  const measured = await night.measure.make(dir, startedAt);
  return await judge(night, history, { dir, measured, levels, endedAt: hooks.nowIso() });
}

/** A trend is of one figure of one load: another one is refused before anything is sent. */
function requireSameMeasure(of: Measurement, { folder, nights }: BranchHistory): void {
  const last = nights.at(-1);
  if (last === undefined || isDeepStrictEqual(last.measured, of)) return;
  throw new UserError(
    `the nights in ${folder} are each ${measuredText(last.measured)}, and this one would be ${measuredText(of)}; give the same options (--goodput, --of, --arrivals, --at), or another --baseline folder`,
  );
}

async function requireComparable({ spec, askedIn }: Measure, { folder, accepted }: BranchHistory): Promise<void> {
  if (accepted === null) return;
  const dir = join(folder, accepted.dir);
  if (!existsSync(dir))
    throw new UserError(`${dir}: the run of the accepted night is gone; put it back, or accept another one (--accept)`);
  const found = askedIn(dir);
  const { target, prompts = null, prepared, salt } = found;
  const plan = await planRun(spec, { log: SILENT, newSalt: () => salt ?? '' });
  const asked = describeRun(plan, { dir: '.', startedAt: '' }, { facts: target, started: null }, { prompts, prepared });
  const unlike = unlikeLoad(found, asked);
  if (unlike.length > 0)
    throw new UserError(
      `the accepted night ${accepted.run_id} cannot be compared with what you ask for: they differ in ${unlike.join(', ')}; give the same options, or another --baseline folder`,
    );
}

function newFolder({ folder }: BranchHistory, nowIso: string): string {
  const dir = join(folder, 'runs', compactTime(nowIso));
  let number = 1;
  while (existsSync(number === 1 ? dir : `${dir}-${number}`)) number++;
  return number === 1 ? dir : `${dir}-${number}`;
}

/** The nights of the default branch, for a branch of another name, where they are of the same. */
function othersOf({ dir, branch, defaultBranch, measure }: NightSpec): readonly Night[] {
  if (defaultBranch === null || defaultBranch === branch) return [];
  return historyOf(dir, defaultBranch).nights.filter(({ measured }) => isDeepStrictEqual(measured, measure.of));
}

interface KnownLevels {
  readonly levels: Levels | null;
  /** Nights until there are any. */
  readonly missing: number;
}

function levelsOf({ names }: Measure, { nights, accepted }: BranchHistory, others: readonly Night[]): KnownLevels {
  const valid = (all: readonly Night[]): number => all.filter((each) => each.valid).length;
  const missing = missingNights(valid(nights), valid(others));
  const at = nights.findLastIndex(({ run_id }) => run_id === accepted?.run_id);
  if (missing > 0 || at < 0) return { levels: null, missing };
  const found = names.flatMap((name) => {
    const { places, values } = seriesOf(name, nights);
    const level = nightLevel(values, places.indexOf(at), seriesOf(name, others).values);
    return level === null ? [] : [[name, level] as const];
  });
  return { levels: Object.fromEntries(found), missing };
}

function introduction({ folder, nights, accepted }: BranchHistory, { missing }: KnownLevels): string {
  if (accepted === null)
    return `night ${nights.length + 1} in ${folder}: becomes the accepted baseline, if it is valid`;
  const until =
    missing === 0
      ? ''
      : `; ${untilJudged(missing)}: until then changes are provisional and gates undecided, unless nights repeat exactly`;
  return `night ${nights.length + 1} in ${folder}, against the accepted ${accepted.run_id}${until}`;
}

interface Ended {
  readonly dir: string;
  readonly measured: Measured;
  readonly levels: KnownLevels;
  readonly endedAt: string;
}

async function judge(
  spec: NightSpec,
  history: BranchHistory,
  { dir, measured, levels, endedAt }: Ended,
): Promise<NightResult> {
  const { folder, accepted } = history;
  const compared = await comparedWith(accepted, history, { measured, margin: spec.margin, levels: levels.levels });
  const { comparison } = compared;
  const reasons = [...measured.reasons, ...compared.reasons];
  const isValid = reasons.length === 0;
  const gates = spec.gates.map((gate) =>
    comparison === null || !isValid ? undecided(gate, reasons) : judgedGate(gate, comparison, levels.missing),
  );
  const becomesAccepted = accepted === null && isValid;
  const { run_id, started_at, target, versions, figures } = measured;
  const found: Night = {
    schema: 1,
    run_id,
    dir: relative(folder, dir),
    started_at,
    branch: spec.branch,
    commit: spec.commit,
    target,
    versions,
    measured: spec.measure.of,
    valid: isValid,
    reasons,
    metrics: metricsOf(figures, comparison),
    baseline: accepted?.run_id ?? null,
    verdict: isValid ? (comparison?.verdict ?? null) : null,
    gates: gates.map(({ gate: { text }, verdict, why }) => ({ text, verdict, why })),
    alarms: [],
    accepted: becomesAccepted,
  };
  const baseline = becomesAccepted ? found.run_id : (accepted?.run_id ?? null);
  const trend = trendOf([...history.nights, found], baseline);
  const night = { ...found, alarms: alarmsOf(trend) };
  appendNight(folder, night);
  if (becomesAccepted) acceptNight(history, night, endedAt);
  return {
    folder,
    measured,
    night,
    comparison,
    gates,
    missing: levels.missing,
    trend: { ...trend, nights: [...history.nights, night] },
  };
}

/** What was measured is kept even where it cannot be compared; it takes part in nothing then. */
async function comparedWith(
  accepted: Accepted | null,
  { folder }: BranchHistory,
  of: { readonly measured: Measured; readonly margin: number; readonly levels: Levels | null },
): Promise<{ readonly comparison: Comparison | null; readonly reasons: readonly string[] }> {
  if (accepted === null) return { comparison: null, reasons: [] };
  const earlier = { name: `accepted ${accepted.run_id}`, dir: join(folder, accepted.dir) };
  try {
    return { comparison: await of.measured.compareWith(earlier, of.margin, of.levels), reasons: [] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { comparison: null, reasons: [`cannot be compared with the accepted night: ${error.message}`] };
  }
}

/** By no comparison nothing is decided; a night that is not valid never passes. */
function undecided(gate: CompareGate, reasons: readonly string[]): JudgedCompareGate {
  const isBlocked = reasons.length > 0;
  const why = isBlocked
    ? `the night is not valid: ${reasonText(reasons)}`
    : 'there is no accepted night yet to compare with';
  return { gate, verdict: 'undecided', why, isBlocked };
}

function judgedGate(gate: CompareGate, comparison: Comparison, missing: number): JudgedCompareGate {
  const judged = judgeCompareGate(gate, comparison);
  const isEarly = comparison.provisional && judged.verdict === 'undecided' && missing > 0 && !judged.isBlocked;
  return isEarly ? { ...judged, why: `${untilJudged(missing)} (${judged.why})` } : judged;
}

/** Said while too few nights are known. */
export function untilJudged(missing: number): string {
  return `the ${NEEDED_NIGHTS + 1}th valid night is the first that is judged, ${missing} to go`;
}

function metricsOf(figures: Figures, comparison: Comparison | null): Night['metrics'] {
  const compared = new Map(comparison?.metrics.map((metric) => [metric.name, metric]));
  return Object.fromEntries(
    [...figures].map(([name, { value, range }]) => {
      const { change = null, verdict = null } = compared.get(name) ?? {};
      const known = { value: Number.isFinite(value) ? value : null, change, verdict };
      return [name, range === undefined ? known : { ...known, range }] as const;
    }),
  );
}

function alarmsOf(trend: Trend): RaisedAlarm[] {
  const { nights } = trend;
  const idOf = (place: number): string => nights[place]?.run_id ?? '';
  return raisedBy(trend, nights.length - 1).map(({ name, change, isBetter, between }) => ({
    name,
    change,
    better: isBetter,
    between: [idOf(between[0]), idOf(between[1])],
  }));
}
