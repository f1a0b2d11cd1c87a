import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, UserError } from '../../core/errors.ts';
import { checkAllJudged } from '../../core/slo.ts';
import { meanRate } from '../../core/rate.ts';
import { unlessStopped } from '../../core/stop.ts';
import { version } from '../../core/version.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { patienceUs, type RunSpec } from '../../run/run-spec.ts';
import { checkDirectory, checkRunDirectory, LOCK_FILE } from '../../runs/run-directory.ts';
import type { GoodputReport } from '../../schema/goodput.ts';
import { openTarget } from '../../target/open-target.ts';
import type { TargetSession } from '../../target/session.ts';
import { checkTarget, isNoisy } from '../../target/target-spec.ts';
import type { Found, GoodputSearch, SearchContext, SearchHooks } from './context.ts';
import { checkGoodputFiles, leaveGoodput } from './files.ts';
import { ofTrace } from './of-trace.ts';
import { ofTraffic } from './of-traffic.ts';
import { withFolder } from '../folder.ts';
import { gpusOfTarget } from '../target-gpus.ts';

/**
 * The goodput of one target, over one session of it: of a trace, or of traffic like it. Writes its files, and goes on where
 * an earlier search in the same folder was interrupted. `open`: a session that stays open; null: one is opened for it.
 * `others`: runs of the other targets, where there are several.
 * Throws a UserError for what is wrong with trace, target or folder, and where it is interrupted.
 */
export async function searchGoodput(
  search: GoodputSearch,
  hooks: SearchHooks,
  open: TargetSession | null = null,
  others: readonly RunSpec[] = [],
): Promise<GoodputReport> {
  const { dir, specAt, keep, target } = search;
  checkFolder(dir);
  checkGoodputFiles(dir);
  checkTarget(target);
  try {
    const own = await unlessStopped(planRun(specAt(null, dir), hooks, others), hooks.stop);
    const { requests, firstDueUs, lastDueUs, classes } = own.stats;
    if (classes !== undefined) checkAllJudged(search.slo.limits, classes);
    const ownRps = meanRate(requests, firstDueUs, lastDueUs);
    if (ownRps === null)
      throw new UserError(`${own.source.name}: all of its requests are due at one time: there is no timing to scale`);
    return await withFolder(dir, async () => {
      const session = open ?? (await openFor(search, own, hooks));
      try {
        const context = { search, hooks, session, own, ownRps, gpus: gpusOfTarget(target.spec, search.gpus) };
        const found = await (search.of === 'trace' ? ofTrace(context) : ofTraffic(context));
        return await leaveGoodput(dir, reportOf(context, found), keep);
      } finally {
        if (open === null) await session.close();
      }
    });
  } catch (thrown) {
    throw asInterrupted(thrown, hooks);
  }
}

function openFor({ target, dir }: GoodputSearch, own: RunPlan, { stop, log }: SearchHooks): Promise<TargetSession> {
  const patience = patienceUs(own.spec.measure);
  return openTarget(target, { plan: own, salt: own.salt, dir, patienceUs: patience, stop, log });
}

/** Of a run, what is stopped before its replay leaves nothing; a search goes on from the runs before. */
function asInterrupted(thrown: unknown, { stop }: SearchHooks): unknown {
  if (!stop.aborted || !(thrown instanceof UserError) || thrown.cause !== stop.reason) return thrown;
  return new UserError(
    `${messageOf(stop.reason)} while no run went on; the same command, with the same --out, goes on from there`,
    { cause: thrown },
  );
}

/** One of them stands in the folder of every search. */
const OF_A_SEARCH = ['probes', 'traffic', 'goodput.json', LOCK_FILE];

/** A search goes on in its own folder, and in no other that holds something; `names`: what it may have left there. */
export function checkFolder(dir: string, names = OF_A_SEARCH): void {
  if (names.some((name) => existsSync(join(dir, name)))) checkDirectory(dir);
  else checkRunDirectory(dir);
}

function reportOf(
  { search, session: { facts }, own: { spec, stats, source }, ownRps, gpus }: SearchContext,
  { answers, probes }: Found,
): GoodputReport {
  const [first] = answers;
  if (first === undefined) throw new Error('no share was searched for');
  const used = probes.reduce((sum, { requests_used }) => sum + requests_used, 0);
  return {
    schema: 1,
    of: search.of,
    ...first,
    answers: [...answers],
    slo: { text: search.slo.text, limits_ms: search.slo.limits },
    arrivals: search.arrivals,
    precision: search.precision,
    target: {
      spec: facts.spec,
      kind: facts.kind,
      model: facts.model,
      ...(isNoisy(spec.target.spec) ? { noisy: true } : {}),
    },
    gpus,
    clock: spec.target.clock,
    workload: { name: source.name, sha256: stats.sourceSha256, requests: stats.requests, rate_rps: ownRps },
    probes: [...probes],
    requests_used: used,
    traces_used: used / stats.requests,
    versions: { reprise: version() },
  };
}
