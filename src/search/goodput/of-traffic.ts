import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { exp } from '../../core/portable-math.ts';
import { formatShare, threeFigures } from '../../core/units.ts';
import { mendRun, reportRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { isOwnSource } from '../../run/run-spec.ts';
import { ALONE, record } from '../../run/run.ts';
import { writeWhole } from '../../runs/run-directory.ts';
import type { GoodputAnswer } from '../../schema/goodput.ts';
import { ratesOf, type Found, type SearchContext } from './context.ts';
import type { LocalFit } from './local-fit.ts';
import { knownGoodput } from './segments.ts';
import { judgedSegments, type JudgedSegment } from './segment-figures.ts';
import { bracketOf, trafficLoad, type TrafficProgress } from './traffic-load.ts';

/** Most requests without a budget of requests; one of time alone may need more than are usual. */
const USUAL_BUDGET = 60_000;
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
  const { search } = context;
  const runs = await earlierRuns(context);
  const last = runs.at(-1);
  if (last === undefined || last.progress.ends.length < search.goals.length) runs.push(await runTraffic(context, runs));
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
  for (let name = nameOf(0); existsSync(join(search.dir, name)); name = nameOf(runs.length)) {
    const dir = join(search.dir, name);
    const manifest = await mendRun(dir);
    const others = unlikePlan(manifest, await trafficPlan(context, dir), session);
    if (others.length > 0)
      throw new UserError(
        `${dir}: this run is of another search (other ${others.join(', ')}); choose another --out, or remove it`,
      );
    const progress = readProgress(dir);
    if (manifest.status !== 'complete' && (manifest.clock === 'virtual' || progress === null)) {
      rmSync(dir, { recursive: true });
      return runs;
    }
    if (progress === null)
      throw new UserError(`${dir}: ${PROGRESS_FILE} is missing; choose another --out, or remove it`);
    runs.push(await finished(context, name, progress, runs));
  }
  return runs;
}

async function runTraffic(context: SearchContext, earlier: readonly TrafficRun[]): Promise<TrafficRun> {
  const { search, hooks, session, own, ownRps } = context;
  const name = nameOf(earlier.length);
  const dir = join(search.dir, name);
  const plan = await trafficPlan(context, dir);
  const known = earlier.at(-1)?.progress ?? null;
  const write = (progress: TrafficProgress): void =>
    writeWhole(join(dir, PROGRESS_FILE), `${JSON.stringify(progress, null, 1)}\n`);
  const load = trafficLoad({
    slo: search.slo,
    goals: search.goals,
    precision: search.precision,
    rowsRps: ownRps,
    ...ratesOf(context),
    mostRequests: Math.min(search.mostRequests, budgetOf(context)),
    hasTime: hooks.hasTime,
    aheadUs: own.spec.target.clock === 'virtual' ? 0 : AHEAD_US,
    known: known === null ? null : { ...known, segments: earlier.flatMap(({ judged }) => judged) },
    began: (segment, progress, fit) => {
      write(progress);
      hooks.probing(segment.rateRps, progress.segments.length, knownText(progress, fit, search.goals));
    },
  });
  const part = { ...ALONE, watchers: [load.watcher], paced: load.paced };
  const { manifest, fault } = await record(session, plan, dir, hooks, part);
  if (fault !== null) throw fault.error;
  write(load.progress());
  if (manifest.status !== 'complete')
    throw new UserError(`${dir}: ${manifest.reason ?? 'the run did not end'}; the same command goes on from here`);
  return finished(context, name, load.progress(), earlier);
}

/** The plan of a run of traffic: more requests than the search will need. */
async function trafficPlan(context: SearchContext, dir: string): Promise<RunPlan> {
  const { search, hooks } = context;
  const spec = search.specAt(null, dir);
  const { workload } = spec;
  if (isOwnSource(workload))
    throw new UserError('the goodput of traffic needs a trace file, not a source of a program');
  const args = { arrivals: search.arrivals, requests: budgetOf(context), seed: spec.seed };
  const transforms = [...workload.transforms, { op: 'traffic', args }];
  const plan = await planRun(
    // No command line makes this run again.
    { ...spec, workload: { ...workload, transforms }, output: { ...spec.output, options: null } },
    // What there is to say of the trace was said of it as a whole.
    { ...hooks, log: SILENT },
  );
  return { ...plan, endUs: null };
}

function budgetOf({ search: { mostRequests, isTimed } }: SearchContext): number {
  return Number.isFinite(mostRequests) ? mostRequests : isTimed ? MOST_OF_A_TIME : USUAL_BUDGET;
}

/** The figures of a run that has ended, by its records; its report is made where it is missing. */
async function finished(
  { search }: SearchContext,
  name: string,
  progress: TrafficProgress,
  earlier: readonly TrafficRun[],
): Promise<TrafficRun> {
  const dir = join(search.dir, name);
  const { validity } = await reportRun(dir, await mendRun(dir));
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
      const end = ends[i] ?? { why: 'budget', aboutLnRate: 0 };
      return answerOf(context, {
        at,
        segments,
        isValid,
        why: end.why,
        fit: knownGoodput(segments, end.aboutLnRate, at),
      });
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
  const ci95: GoodputAnswer['ci95_rps'] =
    fit === null ? null : [exp(fit.lnRate - fit.halfWidth), exp(fit.lnRate + fit.halfWidth)];
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

/** The limit that most requests of the segments miss; of the probes, where there are no segments. */
function bindingOf(all: readonly JudgedSegment[]): GoodputAnswer['binding'] {
  const segments = all.filter(({ kind }) => kind === 'segment');
  const judged = segments.length === 0 ? all : segments;
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
  ends: z.array(z.object({ why: z.enum(['found', 'below', 'above', 'budget']), aboutLnRate: z.number() })),
});

/** Null where the run was killed before its first segment. */
function readProgress(dir: string): TrafficProgress | null {
  const file = join(dir, PROGRESS_FILE);
  return existsSync(file) ? progressSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}
