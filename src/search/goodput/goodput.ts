import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { meanRate } from '../../core/rate.ts';
import { version } from '../../core/version.ts';
import { gpuCount } from '../../engine/index.ts';
import { planRun } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { checkRunDirectory } from '../../runs/run-directory.ts';
import type { GoodputReport } from '../../schema/goodput.ts';
import { openTarget } from '../../target/open-target.ts';
import type { Found, GoodputSearch, SearchContext, SearchHooks } from './context.ts';
import { ofTrace } from './of-trace.ts';
import { ofTraffic } from './of-traffic.ts';

/** The goodput of one target, over one session of it: of a trace, or of traffic like it. */
export async function searchGoodput(search: GoodputSearch, hooks: SearchHooks): Promise<GoodputReport> {
  checkFolder(search.dir);
  const own = await planRun(search.specAt(null, search.dir), hooks);
  const { stats, spec } = own;
  const ownRps = meanRate(stats.requests, stats.firstDueUs, stats.lastDueUs);
  if (ownRps === null)
    throw new UserError(`${own.source.name}: all of its requests are due at one time: there is no timing to scale`);
  const session = await openTarget(spec.target, {
    plan: own,
    salt: own.salt,
    dir: search.dir,
    patienceUs: spec.measure.ttftTimeoutUs,
    stop: hooks.stop,
    log: hooks.log,
  });
  try {
    const context = { search, hooks, session, own, ownRps, gpus: gpusOf(spec, search.gpus) };
    const found = await (search.of === 'trace' ? ofTrace(context) : ofTraffic(context));
    return reportOf(context, found);
  } finally {
    await session.close();
  }
}

/** A search goes on in its own folder, and in no other that holds something. */
function checkFolder(dir: string): void {
  const isOwn = ['probes', 'traffic', 'goodput.json'].some((name) => existsSync(join(dir, name)));
  if (!isOwn) checkRunDirectory(dir);
}

function gpusOf({ target: { spec } }: RunSpec, given: number | null): number | null {
  return given ?? (spec.kind === 'engine' ? gpuCount(spec.engine) : null);
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
    target: { spec: facts.spec, kind: facts.kind, model: facts.model },
    gpus,
    clock: spec.target.clock,
    workload: { name: source.name, sha256: stats.sourceSha256, requests: stats.requests, rate_rps: ownRps },
    probes: [...probes],
    requests_used: used,
    traces_used: used / stats.requests,
    versions: { reprise: version() },
  };
}
