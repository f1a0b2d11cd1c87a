import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { exp } from '../../core/portable-math.ts';
import { formatShare, threeFigures } from '../../core/units.ts';
import { checkEnded, mendRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { isOwnSource } from '../../run/run-spec.ts';
import { ALONE, record } from '../../run/run.ts';
import { readManifest, writeWhole } from '../../runs/run-directory.ts';
import type { GoodputAnswer } from '../../schema/goodput.ts';
import { ratesOf, type Found, type SearchContext } from './context.ts';
import type { LocalFit } from './local-fit.ts';
import { hasRun, removeRun, summaryOf } from './run-folders.ts';
import { fitNear } from './segments.ts';
import { judgedSegments, type JudgedSegment } from './segment-figures.ts';
import {
  bracketOf,
  endsByKnown,
  hasBudget,
  trafficLoad,
  type TrafficEnd,
  type TrafficOptions,
  type TrafficProgress,
} from './traffic-load.ts';

/** Most requests without a budget of requests; one of time alone may need more than are usual. */
export const USUAL_BUDGET = 60_000;
const MOST_OF_A_TIME = 500_000;
/** Rows are asked for so long before they are due in real time, so that their bodies are there. */
const AHEAD_US = 250_000;
/** How far a search has come, in the directory of its run. */
const PROGRESS_FILE = 'segments.json';

/**
 * The rate at which traffic like the trace's attains each goal on a running system (`statistics.md`, "of traffic like
 * this"): one run, whose segments are the probes of the search. A search that was interrupted goes on in real time, in a
 * run of its own behind the segments of the one before; in virtual time it is made again, to be the same.
 */
export async function ofTraffic(context: SearchContext): Promise<Found> {
  const runs = await earlierRuns(context);
  const last = runs.at(-1);
  if (last === undefined || isOpen(context, last.progress)) {
    const ends = last === undefined ? null : endsByKnown(optionsOf(context, runs));
    if (last === undefined || ends === null) runs.push(await runTraffic(context, runs));
    else runs.splice(-1, 1, { ...last, progress: { ...last.progress, ends } });
  }
  return foundOf(context, runs);
}

/** A run of the search, and how far the search had come by its end. */
interface TrafficRun {
  readonly name: string;
  readonly progress: TrafficProgress;
  readonly judged: readonly JudgedSegment[];
  readonly isValid: boolean;
}

/** What earlier searches in this folder have done. */
async function earlierRuns(context: SearchContext): Promise<TrafficRun[]> {
  const { search, session } = context;
  const runs: TrafficRun[] = [];
  for (let name = nameOf(0); hasRun(join(search.dir, name)); name = nameOf(runs.length)) {
    const dir = join(search.dir, name);
    const found = readManifest(dir);
    const others = unlikePlan(found, await trafficPlan(context, dir, endOf(runs)), session);
    if (others.length > 0)
      throw new UserError(
        `${dir}: this run is of another search (other ${others.join(', ')}); choose another --out, or remove it`,
      );
    checkEnded(dir, found);
    const progress = readProgress(dir);
    const isWhole = found.status === 'complete' && progress !== null;
    if (isWhole || (found.clock === 'real' && progress !== null)) {
      const run = await finished(context, name, progress, runs);
      const ends = endsThatHold(context, run, runs);
      if (found.clock === 'real' || ends.length === search.goals.length) {
        runs.push({ ...run, progress: { ...progress, ends } });
        continue;
      }
    }
    removeRun(dir);
    return runs;
  }
  return runs;
}

/** Position behind the last request of these runs. */
function endOf(runs: readonly TrafficRun[]): number {
  return Math.max(0, ...runs.flatMap(({ judged }) => judged.map(({ from, requests }) => from + requests)));
}

/**
 * The ends of an earlier search that are those of this one too: it may have had other goals, less precision, or a budget
 * of which there is more now.
 */
function endsThatHold(context: SearchContext, last: TrafficRun, before: readonly TrafficRun[]): TrafficEnd[] {
  const { search, hooks } = context;
  const { ends, guess } = last.progress;
  const segments = [...before, last].flatMap(({ judged }) => judged);
  const budget = { mostRequests: budgetOf(context), timeOver: hooks.timeOver };
  const mayGoOn = hasBudget(budget, segments, guess === null ? 'probe' : 'segment');
  const holds = ({ at, why, aboutLnRate }: TrafficEnd, goal: number | undefined): boolean => {
    if (at !== goal) return false;
    if (why === 'budget') return !mayGoOn;
    return why !== 'found' || (fitNear(segments, aboutLnRate, at)?.halfWidth ?? Infinity) <= search.precision;
  };
  const wrong = ends.findIndex((end, i) => !holds(end, search.goals[i]));
  return ends.slice(0, wrong < 0 ? ends.length : wrong);
}

function isOpen({ search }: SearchContext, { ends }: TrafficProgress): boolean {
  return ends.length < search.goals.length;
}

function optionsOf(context: SearchContext, earlier: readonly TrafficRun[]): Omit<TrafficOptions, 'began'> {
  const { search, hooks, own, ownRps } = context;
  const known = earlier.at(-1)?.progress ?? null;
  return {
    slo: search.slo,
    goals: search.goals,
    precision: search.precision,
    rowsRps: ownRps,
    ...ratesOf(context),
    mostRequests: budgetOf(context),
    timeOver: hooks.timeOver,
    aheadUs: own.spec.target.clock === 'virtual' ? 0 : AHEAD_US,
    known: known === null ? null : { ...known, segments: earlier.flatMap(({ judged }) => judged) },
    from: endOf(earlier),
  };
}

async function runTraffic(context: SearchContext, earlier: readonly TrafficRun[]): Promise<TrafficRun> {
  const { search, hooks, session } = context;
  const name = nameOf(earlier.length);
  const dir = join(search.dir, name);
  const options = optionsOf(context, earlier);
  const plan = await trafficPlan(context, dir, options.from);
  const write = (progress: TrafficProgress): void =>
    writeWhole(join(dir, PROGRESS_FILE), `${JSON.stringify(progress, null, 1)}\n`);
  const load = trafficLoad({
    ...options,
    began: (segment, progress, fit) => {
      write(progress);
      hooks.probing(segment.rateRps, progress.segments.length, knownText(progress, fit, search.goals));
    },
  });
  // Before the run is complete: what is complete has to tell how it ended.
  const replayed = (): void => write(load.progress());
  const { manifest, fault } = await record(session, plan, dir, hooks, {
    ...ALONE,
    watchers: [load.watcher],
    paced: load.paced,
    replayed,
  });
  if (fault !== null) throw fault.error;
  if (manifest.status !== 'complete')
    throw new UserError(`${dir}: ${manifest.reason ?? 'the run did not end'}; the same command goes on from here`);
  return finished(context, name, load.progress(), earlier);
}

/** The plan of a run of traffic from a position on: more requests than the search will need. */
async function trafficPlan(context: SearchContext, dir: string, from: number): Promise<RunPlan> {
  const { search, hooks } = context;
  const spec = search.specAt(null, dir);
  const { workload } = spec;
  if (isOwnSource(workload))
    throw new UserError('the goodput of traffic needs a trace file, not a source of a program');
  const args = { arrivals: search.arrivals, requests: budgetOf(context), seed: spec.seed };
  const behind = from === 0 ? args : { ...args, from };
  const transforms = [...workload.transforms, { op: 'traffic', args: behind }];
  return planRun(
    // No command line makes this run again.
    { ...spec, workload: { ...workload, transforms }, output: { ...spec.output, options: null } },
    // What there is to say of the trace was said of it as a whole.
    { ...hooks, log: SILENT },
  );
}

function budgetOf({ search: { mostRequests, mostMs } }: SearchContext): number {
  if (Number.isFinite(mostRequests)) return mostRequests;
  return Number.isFinite(mostMs) ? MOST_OF_A_TIME : USUAL_BUDGET;
}

/** The figures of a run, by its records; it is mended where it was killed, and its report made where it is missing. */
async function finished(
  { search }: SearchContext,
  name: string,
  progress: TrafficProgress,
  earlier: readonly TrafficRun[],
): Promise<TrafficRun> {
  const dir = join(search.dir, name);
  const { validity } = await summaryOf(dir, await mendRun(dir));
  const before = earlier.reduce((sum, { judged }) => sum + judged.length, 0);
  const judged = await judgedSegments(dir, progress.segments.slice(before), search.slo.limits);
  return { name, progress, judged, isValid: validity.valid };
}

function foundOf(context: SearchContext, runs: readonly TrafficRun[]): Found {
  const segments = runs.flatMap(({ judged }) => judged);
  const ends = runs.at(-1)?.progress.ends ?? [];
  const isValid = runs.every((run) => run.isValid);
  return {
    answers: context.search.goals.map((at, i) => {
      const end = ends[i] ?? ({ at, why: 'budget', aboutLnRate: 0 } satisfies TrafficEnd);
      return answerOf(context, { at, segments, isValid, why: end.why, fit: fitNear(segments, end.aboutLnRate, at) });
    }),
    probes: runs.flatMap(({ name, judged, isValid: valid }) =>
      judged.map(({ figures }) => ({ ...figures, valid, dir: name })),
    ),
  };
}

interface Ended {
  readonly at: number;
  readonly segments: readonly JudgedSegment[];
  readonly isValid: boolean;
  readonly why: 'found' | 'below' | 'above' | 'budget';
  readonly fit: LocalFit | null;
}

function answerOf({ ownRps, gpus }: SearchContext, { at, segments, isValid, why, fit }: Ended): GoodputAnswer {
  const bracket = bracketOf(segments, at);
  const rps = fit === null ? null : exp(fit.lnRate);
  const isKnown = fit !== null && Number.isFinite(fit.halfWidth);
  const ci95: GoodputAnswer['ci95_rps'] = isKnown
    ? [exp(fit.lnRate - fit.halfWidth), exp(fit.lnRate + fit.halfWidth)]
    : null;
  return {
    at,
    goodput_rps: rps,
    goodput_rps_per_gpu: rps === null || gpus === null ? null : rps / gpus,
    bracket_rps: [...bracket],
    ci95_rps: ci95,
    half_width: ci95 === null ? null : (ci95[1] - ci95[0]) / (ci95[1] + ci95[0]),
    slope: fit?.slope ?? null,
    times_trace: rps === null ? null : rps / ownRps,
    binding: bindingOf(segments),
    state: isValid ? why : 'not_valid',
  };
}

/** The limit that most requests of the segments miss. */
function bindingOf(segments: readonly JudgedSegment[]): GoodputAnswer['binding'] {
  const judged = segments.filter(({ kind }) => kind === 'segment');
  const missed = (metric: 'ttft' | 'tpot' | 'e2e'): number =>
    judged.reduce((sum, { figures }) => sum + (1 - (figures.alone[metric] ?? 1)) * figures.requests, 0);
  const most = (['ttft', 'tpot', 'e2e'] as const).toSorted((a, b) => missed(b) - missed(a))[0] ?? 'ttft';
  return missed(most) > 0 ? most : null;
}

function knownText({ segments, ends }: TrafficProgress, fit: LocalFit | null, goals: readonly number[]): string | null {
  if (fit !== null) {
    const wide = Number.isFinite(fit.halfWidth) ? ` ± ${formatShare(fit.halfWidth)}` : '';
    return `about ${threeFigures(exp(fit.lnRate))} requests/s${wide}`;
  }
  const [low, high] = bracketOf(segments.slice(0, -1), goals[ends.length] ?? 0.9);
  if (low === null) return high === null ? null : `under ${threeFigures(high)} requests/s`;
  return high === null ? `from ${threeFigures(low)} requests/s on` : null;
}

/** Where a run of the search stands, from the folder of `goodput.json`. */
function nameOf(number: number): string {
  return number === 0 ? 'traffic' : `traffic-${number + 1}`;
}

const count = z.int().nonnegative();
const progressSchema = z.object({
  segments: z.array(
    z.object({
      kind: z.enum(['probe', 'segment']),
      rateRps: z.number().positive(),
      from: count,
      planned: count,
      unjudged: count,
      requests: count,
      met: count,
      missed: count,
    }),
  ),
  guess: z.number().nullable(),
  ends: z.array(
    z.object({ at: z.number(), why: z.enum(['found', 'below', 'above', 'budget']), aboutLnRate: z.number() }),
  ),
});

/** Null where the run was killed before its first segment. */
function readProgress(dir: string): TrafficProgress | null {
  const file = join(dir, PROGRESS_FILE);
  return existsSync(file) ? progressSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}
