import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import type { SloSpec } from '../../core/slo.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { judgedRequests } from '../../metrics/stopped.ts';
import type { RunPlan } from '../../run/plan-run.ts';
import { ALONE, run, type RunHooks } from '../../run/run.ts';
import { readManifest } from '../../runs/run-directory.ts';
import type { GoodputProbe } from '../../schema/goodput.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { summarySchema, type Summary } from '../../schema/summary.ts';
import type { TargetSession } from '../../target/session.ts';
import { decided, ProbeTally } from './probe-tally.ts';

/** How the reason of a run begins that was cut because it was decided: `run.json` has it, for a search that goes on later. */
const DECIDED = 'decided: ';

/** The shares that are wanted, and the SLO. */
export interface Judgement {
  readonly slo: SloSpec;
  readonly goals: readonly number[];
}

/**
 * Runs the trace at one rate, and cuts the run once every goal is met or missed for certain. `requests`: how many are
 * measured, or null where only the end of the run tells. Throws a UserError where the target went away, or the user
 * stopped it.
 */
export async function runProbe(
  session: TargetSession,
  plan: RunPlan,
  dir: string,
  { slo, goals }: Judgement,
  hooks: RunHooks,
): Promise<GoodputProbe> {
  const enough = new AbortController();
  const of = plan.stats.requests;
  // With a warm-up or a cool-down only the end of the run tells how many are measured.
  const tally = new ProbeTally(slo, plan.window, (counted) => {
    if (plan.window !== null || enough.signal.aborted) return;
    if (goals.some((at) => decided({ ...counted, of }, at) === null)) return;
    const { met, missed } = counted;
    enough.abort(
      new Error(
        `${DECIDED}of ${withThousands(of)} requests ${withThousands(met)} have met the SLO and ${withThousands(missed)} missed it, which settles ${goals.map(formatShare).join(' and ')}`,
      ),
    );
  });
  const { manifest, summary } = await run(
    session,
    plan,
    dir,
    {
      ...hooks,
      stop: AbortSignal.any([hooks.stop, enough.signal]),
      cut: AbortSignal.any([hooks.cut, enough.signal]),
    },
    { ...ALONE, watchers: [tally] },
  );
  const isWhole = manifest.status === 'complete' || (manifest.status === 'interrupted' && enough.signal.aborted);
  if (!isWhole || (hooks.stop.aborted && !enough.signal.aborted))
    throw new UserError(`${dir}: ${manifest.reason ?? 'the run did not end'}; the same command goes on from here`);
  return probeOf(manifest, summary, plan);
}

/** The probe of a run that has ended. `dir` is filled in by who keeps the folder. */
function probeOf({ status }: Manifest, { requests, slo, validity }: Summary, { stats }: RunPlan): GoodputProbe {
  const judged = judgedRequests(requests);
  const met = Math.round((slo?.attainment.joint ?? 0) * judged);
  const isDecided = status !== 'complete';
  return {
    rate_rps: rateOf(stats),
    requests: isDecided ? stats.requests : requests.scheduled,
    met,
    missed: judged - met,
    attainment: isDecided ? null : (slo?.attainment.joint ?? 0),
    ci95: isDecided || slo === null || slo.attainment.ci95 === null ? null : [...slo.attainment.ci95],
    binding: slo?.binding ?? null,
    valid: validity.valid,
    decided: isDecided,
    requests_used: requests.scheduled - (requests.stopped - requests.stopped_in_flight),
    dir: null,
  };
}

function rateOf({ requests, firstDueUs, lastDueUs }: RunPlan['stats']): number {
  return lastDueUs > firstDueUs ? ((requests - 1) * 1e6) / (lastDueUs - firstDueUs) : 0;
}

/**
 * The probe of an earlier search in `dir`, of the same requests against the same target, by the same SLO; null where there
 * is none, or it was stopped before it was decided, and is removed then. Throws a UserError where another run is there: it
 * is never written over.
 */
export function keptProbe(session: TargetSession, plan: RunPlan, dir: string, { slo }: Judgement): GoodputProbe | null {
  if (!existsSync(dir)) return null;
  const manifest = readManifest(dir);
  const isSame =
    manifest.plan_sha256 === plan.stats.digest &&
    manifest.target.spec === session.facts.spec &&
    manifest.clock === plan.spec.target.clock &&
    JSON.stringify(manifest.slo?.limits_ms) === JSON.stringify(slo.limits);
  if (!isSame)
    throw new UserError(
      `${dir}: this run is of another search (other requests, target or SLO); choose another --out, or remove it`,
    );
  const summary =
    manifest.status === 'complete' || (manifest.reason ?? '').startsWith(DECIDED) ? readSummary(dir) : null;
  if (summary !== null) return probeOf(manifest, summary, plan);
  rmSync(dir, { recursive: true });
  return null;
}

/** Null where the search ended before it was written. */
function readSummary(dir: string): Summary | null {
  const file = join(dir, 'summary.json');
  return existsSync(file) ? summarySchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}
