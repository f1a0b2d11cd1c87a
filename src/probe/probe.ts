import { promptMaker } from '../../workloads/index.ts';
import { UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { WorkloadSpec } from '../core/plan.ts';
import { idPrefix } from '../core/request-id.ts';
import { withThousands } from '../core/units.ts';
import { version } from '../core/version.ts';
import type { ProbeReport } from '../schema/probe.ts';
import { accessOf } from '../target/open-target.ts';
import { shortKeyWarnings } from '../target/target-keys.ts';
import { checkTarget, type TargetConfig } from '../target/target-spec.ts';
import { measureFloor } from './floor.ts';
import { frontEndRoutes, MAX_COMPLETIONS, measureFrontEnd, type FrontEndOptions } from './front-end.ts';
import { identify } from './identify.ts';
import { askPages } from './pages.ts';
import { probeWarnings } from './warnings.ts';
import { fitOf, scanForProbe } from './workload-fit.ts';

/** What is probed, and how. */
export interface ProbeSpec {
  readonly target: TargetConfig;
  readonly workload: WorkloadSpec | null;
  readonly seed: number;
  /** Null: the front end is not loaded. */
  readonly frontEnd: FrontEndOptions | null;
}

export interface ProbeHooks {
  /** ISO 8601 in UTC. */
  readonly nowIso: () => string;
  readonly newSalt: () => string;
  readonly log: Log;
  /** What is done next, in a few words. */
  readonly step: (what: string) => void;
  /** When it aborts, the probe ends with an error. */
  readonly stop: AbortSignal;
}

/**
 * The story of a probe: read the workload, ask what the server is, measure what lies in between, load the front end, and
 * judge. Only a server that cannot be reached, and what the user names wrongly, end it with a UserError; whatever else
 * fails is told in the report.
 */
export async function probeServer(
  { target, workload, seed, frontEnd }: ProbeSpec,
  hooks: ProbeHooks,
): Promise<ProbeReport> {
  checkTarget(target);
  const { spec } = target;
  if (spec.kind === 'engine')
    throw new UserError(
      `probe asks a server over HTTP, and ${spec.text} is none; serve it (reprise engine serve --system ...) and name its URL`,
    );
  if (spec.endpoints.length > 1)
    throw new UserError(
      `probe asks one server at a time, and ${spec.text} names ${spec.endpoints.length}; name one of them`,
    );
  const { step, log, stop } = hooks;
  for (const text of shortKeyWarnings(target)) log.warn(text);
  const scanned = workload === null ? null : await scanForProbe(workload, seed, log);

  step('asking the server what it is');
  const probedAt = hooks.nowIso();
  const salt = hooks.newSalt();
  const requests = { id: idPrefix(`probe-${salt}`), prompts: promptMaker({ seed, salt, blockTokens: null }) };
  const reached = { ...accessOf(spec.endpoints[0], target), stop };
  const { access, server, endpoints, working } = await identify(reached, target, requests);
  const pages = await askPages(access, server.model);

  step('measuring network and clock');
  const floor = await measureFloor(access);

  let front_end: ProbeReport['front_end'] = null;
  if (frontEnd !== null) {
    log.info(announced(frontEnd));
    front_end = await measureFrontEnd(access, await frontEndRoutes(access, working, requests), frontEnd, step);
  }
  const report = {
    schema: 1,
    probed_at: probedAt,
    versions: { reprise: version(), node: process.versions.node },
    target: spec.text,
    url: access.url.href,
    server,
    endpoints: [...endpoints],
    pages,
    floor,
    front_end,
    workload: scanned === null ? null : fitOf(scanned, front_end, server),
  } as const;
  return { ...report, warnings: probeWarnings(report) };
}

/** What will be sent, before it is. */
function announced({ connections, loadS }: FrontEndOptions): string {
  const most = withThousands(connections.length * MAX_COMPLETIONS);
  return `loads the front end with pages and completions of one token (${most} at most) for ${loadS} s at each of ${connections.join(', ')} connections; --no-front-end leaves that out`;
}
