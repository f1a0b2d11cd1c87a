import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { compareRuns, type Levels } from '../../compare/compare.ts';
import { judgeCompareGate, type CompareGate, type JudgedCompareGate } from '../../compare/gates.ts';
import { JUDGED } from '../../compare/judged.ts';
import { unlikeLoad } from '../../compare/likeness.ts';
import { loadRuns, type LoadedRun } from '../../compare/load-runs.ts';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { describeRun } from '../../run/manifest.ts';
import { planRun } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { compactTime, type RunResult } from '../../run/run.ts';
import { readManifest } from '../../runs/run-directory.ts';
import { JUDGED_NAMES, type Comparison, type JudgedName } from '../../schema/comparison.ts';
import type { Night, RaisedAlarm } from '../../schema/history.ts';
import { missingNights, NEEDED_NIGHTS, nightLevel } from '../../trend/baseline.ts';
import { raisedBy, seriesOf, trendOf, type Trend } from '../../trend/trend.ts';
import { acceptNight, appendNight, historyOf, type BranchHistory } from './history.ts';

/** What a night is, before it is run. */
export interface NightSpec {
  /** Folder of all branches. */
  readonly dir: string;
  readonly branch: string;
  /** Whose nights say how runs spread while the branch has too few of its own; null: none. */
  readonly defaultBranch: string | null;
  readonly commit: string | null;
  readonly spec: RunSpec;
  readonly margin: number;
  readonly gates: readonly CompareGate[];
}

export interface NightHooks {
  /** Wall-clock time, which only commands may read: ISO 8601 in UTC. */
  readonly nowIso: () => string;
  /** Said before anything is sent. */
  readonly say: (text: string) => void;
  readonly run: (spec: RunSpec) => Promise<RunResult>;
}

export interface NightResult {
  readonly folder: string;
  readonly run: Pick<LoadedRun, 'manifest' | 'summary'>;
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
 * One night: run, compare with the accepted one by the spread of earlier nights, judge the gates, add it to the history.
 * The night is kept whatever comes out. Throws a UserError before anything is sent where it could not be compared.
 */
export async function nightly(night: NightSpec, hooks: NightHooks): Promise<NightResult> {
  const history = historyOf(night.dir, night.branch);
  await requireComparable(night.spec, history);
  const levels = levelsOf(history, othersOf(night));
  hooks.say(introduction(history, levels));
  const { dir } = await hooks.run(inFolder(night.spec, history, hooks.nowIso()));
  return await judge(night, history, { dir, levels, endedAt: hooks.nowIso() });
}

/** A trend is of one load: another one is refused before it is sent. */
async function requireComparable(spec: RunSpec, { folder, accepted }: BranchHistory): Promise<void> {
  if (accepted === null) return;
  const dir = join(folder, accepted.dir);
  if (!existsSync(dir))
    throw new UserError(`${dir}: the run of the accepted night is gone; put it back, or accept another one (--accept)`);
  const found = readManifest(dir);
  const { target, prompts = null, prepared, salt } = found;
  const plan = await planRun(spec, { log: SILENT, newSalt: () => salt ?? '' });
  const asked = describeRun(plan, { dir: '.', startedAt: '' }, { facts: target }, { prompts, prepared });
  const unlike = unlikeLoad(found, asked);
  if (unlike.length > 0)
    throw new UserError(
      `the accepted night ${found.run_id} cannot be compared with what you ask for: they differ in ${unlike.join(', ')}; give the same options, or another --baseline folder`,
    );
}

function inFolder(spec: RunSpec, { folder }: BranchHistory, nowIso: string): RunSpec {
  const dir = join(folder, 'runs', compactTime(nowIso));
  let number = 1;
  while (existsSync(number === 1 ? dir : `${dir}-${number}`)) number++;
  return { ...spec, output: { ...spec.output, dir: number === 1 ? dir : `${dir}-${number}` } };
}

/** The nights of the default branch, for a branch of another name. */
function othersOf({ dir, branch, defaultBranch }: NightSpec): readonly Night[] {
  return defaultBranch === null || defaultBranch === branch ? [] : historyOf(dir, defaultBranch).nights;
}

interface KnownLevels {
  readonly levels: Levels | null;
  /** Nights until there are any. */
  readonly missing: number;
}

function levelsOf({ nights, accepted }: BranchHistory, others: readonly Night[]): KnownLevels {
  const valid = (all: readonly Night[]): number => all.filter((each) => each.valid).length;
  const missing = missingNights(valid(nights), valid(others));
  const at = nights.findLastIndex(({ run_id }) => run_id === accepted?.run_id);
  if (missing > 0 || at < 0) return { levels: null, missing };
  const found = JUDGED_NAMES.flatMap((name) => {
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
      : `; ${untilJudged(missing)}: until then changes are provisional and gates undecided, unless runs repeat exactly`;
  return `night ${nights.length + 1} in ${folder}, against the accepted ${accepted.run_id}${until}`;
}

interface Ended {
  readonly dir: string;
  readonly levels: KnownLevels;
  readonly endedAt: string;
}

async function judge(spec: NightSpec, history: BranchHistory, { dir, levels, endedAt }: Ended): Promise<NightResult> {
  const { folder, accepted } = history;
  const now = await loadRuns(dir, null);
  const run = now[0];
  if (run === undefined) throw new Error(`${dir}: there is no run`);
  const { manifest, summary } = run;
  const reasons = [
    ...(manifest.status === 'complete' ? [] : [`did not complete: ${manifest.reason ?? manifest.status}`]),
    ...summary.validity.reasons,
  ];
  const isValid = manifest.status === 'complete' && summary.validity.valid;
  const base = accepted === null ? null : await loadRuns(join(folder, accepted.dir), null);
  const comparison =
    base === null
      ? null
      : compareRuns(base, now, {
          margin: spec.margin,
          names: [`accepted ${accepted?.run_id ?? ''}`, basename(dir)],
          ...(levels.levels === null ? {} : { levels: levels.levels }),
        });
  const gates = spec.gates.map((gate) => judgedGate(gate, comparison, levels.missing));
  const becomesAccepted = accepted === null && isValid;
  const values = new Map(JUDGED.map(({ name, of }) => [name, of(summary)]));
  const found: Night = {
    schema: 1,
    run_id: manifest.run_id,
    dir: relative(folder, dir),
    started_at: manifest.started_at,
    branch: spec.branch,
    commit: spec.commit,
    target: manifest.target.spec,
    versions: manifest.versions,
    valid: isValid,
    reasons,
    metrics: figuresOf(values, comparison),
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
    run,
    night,
    comparison,
    gates,
    missing: levels.missing,
    trend: { ...trend, nights: [...history.nights, night] },
  };
}

function judgedGate(gate: CompareGate, comparison: Comparison | null, missing: number): JudgedCompareGate {
  if (comparison === null)
    return { gate, verdict: 'undecided', why: 'there is no accepted night yet to compare with', isBlocked: false };
  const judged = judgeCompareGate(gate, comparison);
  const isEarly = comparison.provisional && judged.verdict === 'undecided' && missing > 0 && !judged.isBlocked;
  return isEarly ? { ...judged, why: `${untilJudged(missing)} (${judged.why})` } : judged;
}

/** Said while too few nights are known. */
export function untilJudged(missing: number): string {
  return `the ${NEEDED_NIGHTS + 1}th valid night is the first that is judged, ${missing} to go`;
}

function figuresOf(values: ReadonlyMap<JudgedName, number | null>, comparison: Comparison | null): Night['metrics'] {
  const compared = new Map(comparison?.metrics.map((metric) => [metric.name, metric]));
  return Object.fromEntries(
    [...values].flatMap(([name, value]) => {
      if (value === null) return [];
      const { change = null, verdict = null } = compared.get(name) ?? {};
      return [[name, { value: Number.isFinite(value) ? value : null, change, verdict }] as const];
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
