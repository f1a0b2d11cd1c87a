import { UserError } from '../../core/errors.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { judgedRequests } from '../../metrics/stopped.ts';
import type { RunPlan } from '../../run/plan-run.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { ALONE, record } from '../../run/run.ts';
import type { GoodputProbe } from '../../schema/goodput.ts';
import type { Summary } from '../../schema/summary.ts';
import type { TargetSession } from '../../target/session.ts';
import { checkThere } from '../check-there.ts';
import { keptRun } from '../kept-run.ts';
import type { Judgement, SearchHooks } from './context.ts';
import { aloneOf, quantilesOf } from './probe-figures.ts';
import { decided, ProbeTally, type Judged } from './probe-tally.ts';
import { readSummary, removeRun, summaryOf } from './run-folders.ts';

/** How the reason of a run begins that was cut because it was decided: `run.json` has it, for a search that goes on later. */
const DECIDED = 'decided: ';

/** What a run at one rate says of the goals. */
export interface Settled {
  readonly rateRps: number;
  /** The run directory. */
  readonly dir: string;
  readonly judged: Judged;
  /** Whether it was cut once every goal was settled. */
  readonly isCut: boolean;
  /** Requests that came due. */
  readonly due: number;
}

/**
 * Runs the trace at one rate, and cuts the run once every goal is met or missed for certain; its report is not made yet.
 * `endsMet`: also where one is met, which saves a tenth of the run at most, and leaves its attainment unknown.
 * Null where the time of the search was over before: such a run is not kept. Throws a UserError where the target went away,
 * or the user stopped it.
 */
export async function runProbe(
  session: TargetSession,
  plan: RunPlan,
  { rateRps, dir, endsMet }: Pick<Settled, 'rateRps' | 'dir'> & { readonly endsMet: boolean },
  { slo, goals }: Judgement,
  hooks: SearchHooks,
): Promise<Settled | null> {
  const enough = new AbortController();
  const of = plan.stats.requests;
  const tally = new ProbeTally(slo, plan.window, (counted) => {
    // With a warm-up or a cool-down only the end of the run tells how many are measured.
    if (plan.window !== null || enough.signal.aborted) return;
    const settled = goals.map((at) => decided({ ...counted, of }, at));
    if (settled.includes(null) || (!endsMet && settled.includes(true))) return;
    const { met, missed } = counted;
    enough.abort(
      new Error(
        `${DECIDED}of ${withThousands(of)} requests ${withThousands(met)} have met the SLO and ${withThousands(missed)} missed it, which settles ${goals.map(formatShare).join(' and ')}`,
      ),
    );
  });
  const isOver = [enough.signal, hooks.timeOver];
  const ending = { stop: AbortSignal.any([hooks.stop, ...isOver]), cut: AbortSignal.any([hooks.cut, ...isOver]) };
  const part = { ...ALONE, watchers: [tally] };
  const recorded = await record(session, plan, dir, { ...hooks, ...ending }, part).catch(
    unlessOver(hooks, ending.stop),
  );
  if (recorded === null) return null;
  const { manifest, fault } = recorded;
  if (fault !== null) throw fault.error;
  const isCut = manifest.status === 'interrupted' && enough.signal.aborted;
  if (manifest.status === 'interrupted' && !isCut && !hooks.stop.aborted) {
    removeRun(dir);
    return null;
  }
  if (manifest.status !== 'complete' && !isCut)
    throw new UserError(`${dir}: ${manifest.reason ?? 'the run did not end'}; the same command goes on from here`);
  // A run may be cut before the first connection to a server that has ended is seen to be lost.
  if (tally.lost > 0 || tally.counted.met === 0) await checkThere(session, dir, manifest, hooks);
  const { met, missed } = tally.counted;
  return { rateRps, dir, judged: { met, missed, of: isCut ? of : met + missed }, isCut, due: tally.due };
}

/** Null for what the end of the search's time has stopped before its replay. */
function unlessOver({ stop, timeOver }: SearchHooks, ended: AbortSignal): (thrown: unknown) => null {
  return (thrown) => {
    const isStopped = thrown instanceof UserError && thrown.cause === ended.reason;
    if (isStopped && timeOver.aborted && !stop.aborted) return null;
    throw thrown;
  };
}

/**
 * The probe for `goodput.json`, of a run whose report is made; `name`: where it stands, from there. Its counts are those of
 * the summary, so that a search that went on later says the same: requests that were cut may have missed as well.
 */
export function probeOf({ rateRps, dir, judged: { of }, isCut }: Settled, name: string): GoodputProbe {
  const summary = readSummary(dir);
  const { slo, validity, latency_ms } = summary;
  const { judged, due } = countsOf(summary, of);
  const ci95 = slo?.attainment.ci95 ?? null;
  return {
    kind: 'run',
    rate_rps: rateRps,
    requests: judged.of,
    met: judged.met,
    missed: judged.missed,
    attainment: isCut ? null : judged.met / judged.of,
    alone: aloneOf(slo?.attainment ?? null),
    latency_ms: isCut ? null : quantilesOf(latency_ms),
    ci95: isCut || ci95 === null ? null : [...ci95],
    binding: slo?.binding ?? null,
    ...(slo?.binding_class === undefined ? {} : { binding_class: slo.binding_class }),
    valid: validity.valid,
    decided: isCut,
    requests_used: due,
    dir: name,
  };
}

function countsOf({ requests, left_out, slo }: Summary, of: number): Pick<Settled, 'judged' | 'due'> {
  const judged = judgedRequests(requests);
  const met = Math.round((slo?.attainment.joint ?? 0) * judged);
  return {
    judged: { met, missed: judged - met, of },
    // What warm-up and cool-down leave out was sent too: runs with them go to their end.
    due:
      requests.scheduled -
      (requests.stopped - requests.stopped_in_flight) +
      (left_out?.warmup_requests ?? 0) +
      (left_out?.cooldown_requests ?? 0),
  };
}

/**
 * What the run of an earlier search in `dir` says, of the same requests against the same target, measured in the same way; null
 * where there is none, or it does not settle the goals, and is removed then: it was stopped before, or cut for others.
 * Throws a UserError where another run is there, or one that goes on: it is never written over.
 */
export async function keptProbe(
  session: TargetSession,
  plan: RunPlan,
  { rateRps, dir }: Pick<Settled, 'rateRps' | 'dir'>,
  { goals }: Judgement,
): Promise<Settled | null> {
  return keptRun(
    dir,
    'search',
    (found) => unlikePlan(found, plan, session),
    async (manifest) => {
      const isCut = manifest.status === 'interrupted';
      if (manifest.status !== 'complete' && !(isCut && (manifest.reason ?? '').startsWith(DECIDED))) return null;
      // The search may have ended before the report of this run was made.
      const summary = await summaryOf(dir, manifest);
      const counts = countsOf(summary, isCut ? plan.stats.requests : judgedRequests(summary.requests));
      return goals.every((at) => decided(counts.judged, at) !== null) ? { rateRps, dir, isCut, ...counts } : null;
    },
  );
}
