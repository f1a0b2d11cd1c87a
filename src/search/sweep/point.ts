import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { serveWorker } from '../../core/worker.ts';
import { judgedRequests } from '../../metrics/stopped.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';
import { reportRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { patienceUs, type RunSpec } from '../../run/run-spec.ts';
import { ALONE, record, type RunHooks } from '../../run/run.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { SloScale, SmallestScale } from '../../schema/attainment.ts';
import type { Summary } from '../../schema/summary.ts';
import { openTarget } from '../../target/open-target.ts';
import type { TargetSession } from '../../target/session.ts';
import { summaryOf } from '../goodput/run-folders.ts';
import { keptRun } from '../kept-run.ts';
import { checkThere } from '../check-there.ts';

/** What one run says at every SLO scale: plain data. */
export interface Measured {
  readonly target: Pick<Manifest['target'], 'spec' | 'kind' | 'model'>;
  /** Measured requests. */
  readonly requests: number;
  readonly valid: boolean;
  /** In the order of the scales. */
  readonly scales: readonly SloScale[];
  /** The smallest scale of all that is met. */
  readonly smallest: Pick<SmallestScale, 'scale' | 'ci95_scale'>;
  /** Whether the run of an earlier sweep was read. */
  readonly isKept: boolean;
}

/**
 * One run of the trace in `dir`, to its end, with its report; or what a finished run says that an earlier sweep left there.
 * Throws a UserError where the target went away, or the user stopped it.
 */
export async function measurePoint(
  session: TargetSession,
  plan: RunPlan,
  dir: string,
  sloScales: readonly number[],
  hooks: RunHooks,
): Promise<Measured> {
  const found = await keptRun(
    dir,
    'sweep',
    (manifest) => unlikePlan(manifest, plan, session),
    async (manifest) => (manifest.status === 'complete' ? manifest : null),
  );
  // Of other scales the records say it without another run.
  if (found !== null) return measuredOf(await summaryOf(dir, found, sloScales), true);
  let lost = 0;
  const watcher: RequestWatcher = {
    firstToken: () => undefined,
    ended: ({ outcome }) => {
      if (outcome === 'connect_error' || outcome === 'stream_broken') lost++;
    },
  };
  const { manifest, fault } = await record(session, plan, dir, hooks, { ...ALONE, watchers: [watcher] });
  if (fault !== null) throw fault.error;
  if (manifest.status !== 'complete') throw new UserError(manifest.reason ?? 'the run did not end');
  if (lost > 0) await checkThere(session, dir, manifest, hooks);
  return measuredOf(await reportRun(dir, manifest, sloScales), false);
}

export function measuredOf({ target, requests, validity, slo }: Summary, isKept: boolean): Measured {
  if (slo?.scales === undefined || slo.smallest_scale === undefined) throw new Error('a run of a sweep without scales');
  return {
    target,
    requests: judgedRequests(requests),
    valid: validity.valid,
    scales: slo.scales,
    smallest: slo.smallest_scale,
    isKept,
  };
}

/** A run in virtual time, for a worker thread. */
export interface PointQuestion {
  readonly spec: RunSpec;
  readonly dir: string;
  /** What a UserError of this run begins with. */
  readonly what: string;
}

export interface PointAnswer extends Measured {
  /** Warnings for the user, a sentence each. */
  readonly warnings: readonly string[];
}

/** The thread's side of a sweep in virtual time: the runs that it is asked for, one after another. */
export function servePoints(hooks: Pick<RunHooks, 'nowIso' | 'newSalt'>): void {
  const never = new AbortController().signal;
  serveWorker<readonly number[], PointQuestion, PointAnswer>((sloScales) => async ({ spec, dir, what }) => {
    const warnings: string[] = [];
    const all: RunHooks = {
      ...hooks,
      log: { ...SILENT, warn: (text) => void warnings.push(text) },
      started: () => undefined,
      stop: never,
      cut: never,
    };
    return named(what, async () => {
      // What the scaling does to the trace was said of it as a whole.
      const plan = await planRun(spec, { ...all, log: SILENT });
      const options = { plan, salt: plan.salt, dir, patienceUs: patienceUs(spec.measure) };
      const session = await openTarget(spec.target, { ...options, stop: never, log: all.log });
      try {
        return { ...(await measurePoint(session, plan, dir, sloScales, all)), warnings };
      } finally {
        await session.close();
      }
    });
  });
}

/** The result of `work`, whose UserErrors say what it was about. */
export async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(`${what}: ${thrown.message}`, { cause: thrown, exitCode: thrown.exitCode });
  }
}
