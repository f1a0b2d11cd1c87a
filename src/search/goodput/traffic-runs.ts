import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { checkEnded, mendRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { isOwnSource } from '../../run/run-spec.ts';
import { readKept } from '../../runs/kept-json.ts';
import { sealed } from '../../runs/seal.ts';
import { readManifest } from '../../runs/read-manifest.ts';
import { writeWhole } from '../../runs/run-directory.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { SearchContext } from './context.ts';
import { hasRun, removeRun, summaryOf } from './run-folders.ts';
import { judgedSegments, type JudgedSegment } from './segment-figures.ts';
import { fitNear } from './segments.ts';
import { hasBudget, type TrafficEnd, type TrafficProgress } from './traffic-load.ts';

/** Most requests without a budget of requests; one of time alone may need more than are usual. */
const USUAL_BUDGET = 60_000;
const MOST_OF_A_TIME = 500_000;
/** How far a search has come, in the directory of its run. */
const PROGRESS_FILE = 'segments.json';

/** A run of the search, and how far the search had come by its end. */
export interface TrafficRun {
  readonly name: string;
  readonly progress: TrafficProgress;
  readonly judged: readonly JudgedSegment[];
  readonly isValid: boolean;
}

/** What earlier searches in this folder have done; what has to be made again is removed. */
export async function earlierRuns(context: SearchContext): Promise<TrafficRun[]> {
  const { search, session } = context;
  const runs: TrafficRun[] = [];
  for (let name = nameOf(0); hasRun(join(search.dir, name)); name = nameOf(runs.length)) {
    const dir = join(search.dir, name);
    const found = readManifest(dir);
    const others = unlikePlan(found, await trafficPlan(context, dir, endOf(runs), rowsOf(found)), session);
    if (others.length > 0)
      throw new UserError(
        `${dir}: this run is of another search (other ${others.join(', ')}); choose another --out, or remove it`,
      );
    checkEnded(dir, found);
    const progress = readProgress(dir);
    if (found.status === 'complete' && progress === null)
      throw new UserError(`${dir}: ${PROGRESS_FILE} is missing; choose another --out, or remove the run`);
    if (progress !== null && (found.status === 'complete' || found.clock === 'real')) {
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
export function endOf(runs: readonly TrafficRun[]): number {
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
  const budget = { mostRequests: budgetOf(context), timeOver: hooks.timeOver, goals: search.goals };
  const mayGoOn = (goal: number): boolean => hasBudget(budget, segments, guess === null ? 'probe' : 'segment', goal);
  const holds = ({ at, why, aboutLnRate }: TrafficEnd, goal: number): boolean => {
    if (at !== search.goals[goal]) return false;
    if (why === 'budget') return !mayGoOn(goal);
    return why !== 'found' || (fitNear(segments, aboutLnRate, at)?.halfWidth ?? Infinity) <= search.precision;
  };
  const wrong = ends.findIndex((end, i) => !holds(end, i));
  return ends.slice(0, wrong < 0 ? ends.length : wrong);
}

/** The rows of the traffic of an earlier run, whose search may have had another budget; null: it is no such run. */
function rowsOf({ workload: { transforms } }: Manifest): number | null {
  const rows = transforms.findLast(({ op }) => op === 'traffic')?.args['requests'];
  return typeof rows === 'number' ? rows : null;
}

/** The plan of a run of traffic from a position on: as many rows as the search may use, or as an earlier one had. */
export async function trafficPlan(
  context: SearchContext,
  dir: string,
  from: number,
  rows: number | null = null,
): Promise<RunPlan> {
  const { search, hooks } = context;
  // One client decides when requests are due, as others end.
  const spec = { ...search.specAt(null, dir), workers: 1 };
  const { workload } = spec;
  if (isOwnSource(workload))
    throw new UserError('the goodput of traffic needs a trace file, not a source of a program');
  const args = { arrivals: search.arrivals, requests: rows ?? budgetOf(context), seed: spec.seed };
  const behind = from === 0 ? args : { ...args, from };
  const transforms = [...workload.transforms, { op: 'traffic', args: behind }];
  const plan = await planRun(
    // No command line makes this run again.
    { ...spec, workload: { ...workload, transforms }, output: { ...spec.output, options: null } },
    // What there is to say of the trace was said of it as a whole.
    { ...hooks, log: SILENT },
  );
  return { ...plan, endUs: null };
}

export function budgetOf({ search: { mostRequests, mostMs } }: SearchContext): number {
  if (Number.isFinite(mostRequests)) return mostRequests;
  return Number.isFinite(mostMs) ? MOST_OF_A_TIME : USUAL_BUDGET;
}

/** The figures of a run, by its records; it is mended where it was killed, and its report made where it is missing. */
export async function finished(
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

/** Where a run of the search stands, from the folder of `goodput.json`. */
export function nameOf(number: number): string {
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

export function writeProgress(dir: string, progress: TrafficProgress): void {
  writeWhole(join(dir, PROGRESS_FILE), `${JSON.stringify(sealed(progress), null, 1)}\n`);
}

/** Null where the run was killed before its first segment. */
function readProgress(dir: string): TrafficProgress | null {
  const file = join(dir, PROGRESS_FILE);
  return existsSync(file) ? readKept(progressSchema, readTextWithin(file, MOST_JSON_BYTES), file) : null;
}
