import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { bindingClass, bindingLimit, sumOfMisses } from '../../metrics/misses.ts';
import { exp } from '../../core/portable-math.ts';
import { formatShare, threeFigures } from '../../core/units.ts';
import { ALONE, record } from '../../run/run.ts';
import type { GoodputAnswer } from '../../schema/goodput.ts';
import { ratesOf, type Found, type SearchContext } from './context.ts';
import type { LocalFit } from './local-fit.ts';
import { knownGoodput } from './segments.ts';
import type { JudgedSegment } from './segment-figures.ts';
import {
  bracketOf,
  endsByKnown,
  trafficLoad,
  type TrafficEnd,
  type TrafficOptions,
  type TrafficProgress,
} from './traffic-load.ts';
import {
  budgetOf,
  earlierRuns,
  endOf,
  finished,
  nameOf,
  trafficPlan,
  writeProgress,
  type TrafficRun,
} from './traffic-runs.ts';

/** Rows are asked for so long before they are due in real time, so that their bodies are there. */
const AHEAD_US = 250_000;
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
  const load = trafficLoad({
    ...options,
    began: (segment, progress, fit) => {
      writeProgress(dir, progress);
      hooks.probing(segment.rateRps, progress.segments.length, knownText(progress, fit, search.goals));
    },
  });
  // Before the run is complete: what is complete has to tell how it ended.
  const replayed = (): void => writeProgress(dir, load.progress());
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

function foundOf(context: SearchContext, runs: readonly TrafficRun[]): Found {
  const segments = runs.flatMap(({ judged }) => judged);
  const ends = runs.at(-1)?.progress.ends ?? [];
  const isValid = runs.every((run) => run.isValid);
  return {
    answers: context.search.goals.map((at, i) => {
      const end = ends[i] ?? ({ at, why: 'budget', aboutLnRate: 0 } satisfies TrafficEnd);
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
    ...bindingOf(segments),
    state: isValid ? why : 'not_valid',
  };
}

/** The limit that most requests of the segments miss, and of which class they are; of the probes without segments. */
function bindingOf(all: readonly JudgedSegment[]): Pick<GoodputAnswer, 'binding' | 'binding_class'> {
  const segments = all.filter(({ kind }) => kind === 'segment');
  const misses = sumOfMisses((segments.length === 0 ? all : segments).map((segment) => segment.misses));
  return { binding: bindingLimit(misses), ...bindingClass(misses) };
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
