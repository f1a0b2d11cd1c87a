import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Schedule } from '../core/schedule.ts';
import { WHOLE, type Shard } from '../core/shard.ts';
import { useSingleThreadedGc } from '../core/single-threaded-gc.ts';
import { stoppedError, unlessStopped } from '../core/stop.ts';
import { machineUs } from '../core/wall-clock.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { HealthMonitor } from '../replay/health.ts';
import { Recorder, type Progress, type RequestWatcher } from '../replay/recorder.ts';
import { replay } from '../replay/replay.ts';
import { StallLog } from '../replay/stalls.ts';
import { writeClientSamples } from '../runs/client-file.ts';
import { withDirectory } from '../runs/owner.ts';
import { openBlockingRecordStore, openRecordStore } from '../runs/record-store.ts';
import { checkRunDirectory, createRunDirectory, writeManifest } from '../runs/run-directory.ts';
import type { ClientHealth, Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { openTarget } from '../target/open-target.ts';
import type { Attachment, TargetSession } from '../target/session.ts';
import { checkTarget } from '../target/target-spec.ts';
import { asReplayed, completeRecords, reportRun, stillGoesOn, withDamage } from './finish.ts';
import { describeRun } from './manifest.ts';
import { planRun, type RunPlan } from './plan-run.ts';
import { describeProbe, tellProbe } from './probe-file.ts';
import { type RecentLatency, RecentRequests } from './recent-requests.ts';
import type { RunSpec } from './run-spec.ts';

/** Time from the start of the clock to the first due time, so that the first batches are on the clock by then. */
const LEAD_US = 300_000;
/** Requests in flight when a run is interrupted may end within this time. */
const GRACE_US = 5e6;
/**
 * In virtual time, plans with more output tokens than this have their records written by a thread, beside the
 * simulation.
 */
const MAX_TOKENS_WITHOUT_THREAD = 1e6;

/** Receives the events of a run, and can end it. */
export interface RunHooks {
  /** Wall-clock time, which only commands may read: ISO 8601 in UTC. */
  readonly nowIso: () => string;
  /** A salt that no other run has; only commands may read randomness. */
  readonly newSalt: () => string;
  readonly log: Log;
  /** The replay has begun; `snapshot` returns its progress at any time. */
  readonly started: (plan: RunPlan, snapshot: () => RunProgress) => void;
  /**
   * When it aborts, no more requests are sent, and those in flight may end within 5 s. Before the replay it ends the run
   * with a UserError, without a run directory.
   */
  readonly stop: AbortSignal;
  /** When it aborts, requests in flight are cut. */
  readonly cut: AbortSignal;
}

/** The part of a run that this client does: alone, all of it, from now. */
export interface RunPart {
  readonly worker: number;
  readonly shard: Shard;
  /** The instant on `machineUs` from which due times count; null: as soon as all is ready. */
  readonly startAtUs: number | null;
  /** See the run's requests, besides its progress. */
  readonly watchers: readonly RequestWatcher[];
  /**
   * Gives the requests of the plan other due times, and may end before the last of them; null: the plan's own. They need
   * not be known when the run begins.
   */
  readonly paced: ((rows: Schedule) => Schedule) | null;
  /** Called after the replay, before the report is made: the run does not need its target any more. */
  readonly replayed: () => void;
}
export const ALONE: RunPart = {
  worker: 0,
  shard: WHOLE,
  startAtUs: null,
  watchers: [],
  paced: null,
  replayed: () => undefined,
};

export interface RunProgress extends Progress {
  readonly nowUs: number;
  readonly inFlight: number;
  /** Due requests that wait for a place in flight (`maxInFlight`). */
  readonly held: number;
  /** Whether the user has ended the run: nothing more is sent. */
  readonly isStopping: boolean;
  readonly recent: RecentLatency;
}

export interface RunResult {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
}

/** One run from its spec to its report; the target session is opened for it and closed after it. */
export async function runOnce(spec: RunSpec, hooks: RunHooks): Promise<RunResult> {
  const { target, measure } = spec;
  checkTarget(target);
  if (target.clock === 'virtual') keepYoungGenerationSmall();
  const plan = await unlessStopped(planRun(spec, hooks), hooks.stop);
  const dir = spec.output.dir ?? newRunDirectory(plan, hooks.nowIso());
  checkRunDirectory(dir);
  const { log, stop } = hooks;
  const session = await openTarget(target, {
    plan,
    salt: plan.salt,
    dir,
    patienceUs: measure.ttftTimeoutUs,
    stop,
    log,
  });
  // A server that was started for the run ends while the report is made: who interrupts a run may not wait for both.
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= session.close());
  const replayed = (): void => void close().catch(() => undefined);
  try {
    return await run(session, plan, dir, hooks, { ...ALONE, replayed });
  } finally {
    await close();
  }
}

/**
 * The story of a run against an open target: check, attach, replay, finish, report. Everything is checked before a
 * request is sent, and all records are kept, however the run ends.
 */
export async function run(
  session: TargetSession,
  plan: RunPlan,
  dir: string,
  hooks: RunHooks,
  part: RunPart = ALONE,
): Promise<RunResult> {
  const { manifest, fault } = await record(session, plan, dir, hooks, part);
  try {
    // It reads the finished directory only, and can be repeated.
    const summary = await reportRun(dir, manifest);
    if (fault === null) return { dir, manifest, summary };
  } catch (thrown) {
    // What fails after a fault may follow from it.
    if (fault === null) throw thrown;
  }
  throw fault.error;
}

/** A run whose directory is finished but for its report. */
export interface Recorded {
  readonly manifest: Manifest;
  /** A fault of Reprise that ended the replay. */
  readonly fault: Replayed['fault'];
}

/** A run up to its records and its end in `run.json`; whoever makes its report does so later. */
export async function record(
  session: TargetSession,
  plan: RunPlan,
  dir: string,
  hooks: RunHooks,
  part: RunPart = ALONE,
): Promise<Recorded> {
  // Check and attach: an error up to here is thrown, and leaves no run directory.
  session.check(plan);
  checkRunDirectory(dir);
  const { spec, stats } = plan;
  const { timeoutUs } = spec.measure;
  if (spec.probe !== null) tellProbe(describeProbe(spec.probe, plan, session.facts.model), hooks.nowIso(), hooks.log);
  const attachment = await session.attach(plan, {
    runId: basename(dir),
    shard: part.shard,
    prepare: { ...spec.prepare, timeoutUs },
    firstRequests: stats.firstRequests,
    stop: hooks.stop,
    log: hooks.log,
  });

  // Replay: from here on there is a run directory, and it records how the run ends.
  const begun = describeRun(plan, { dir, startedAt: hooks.nowIso() }, session, attachment, part.paced !== null);
  let isBegun = false;
  const owned = async (): Promise<Recorded> => {
    if (hooks.stop.aborted) throw stoppedError(hooks.stop);
    createRunDirectory(dir);
    session.keepLog(dir);
    writeManifest(dir, begun);
    isBegun = true;
    const replayed = await replayInto(dir, session, attachment, { plan, hooks, part }).catch(stoppedBy);
    part.replayed();
    return await finishRecords(dir, begun, plan, hooks, replayed);
  };
  try {
    return await withDirectory(dir, owned, () => stillGoesOn(dir, begun));
  } finally {
    if (!isBegun) await detach(attachment, hooks.log);
  }
}

/** First the records, then the end of the run: a run that is killed between the two is mended like any killed run. */
async function finishRecords(
  dir: string,
  begun: Manifest,
  plan: RunPlan,
  hooks: RunHooks,
  { stopped, client, fault, idleUs }: Replayed,
): Promise<Recorded> {
  const status = stopped === null ? 'complete' : hooks.stop.aborted ? 'interrupted' : 'failed';
  const { sessions } = begun;
  const ended: Manifest = {
    ...begun,
    status,
    reason: stopped,
    ended_at: hooks.nowIso(),
    client,
    ...(sessions === undefined ? {} : { sessions: { ...sessions, idle_removed_s: idleUs / 1e6 } }),
  };
  try {
    const damage = status === 'complete' ? [] : await completeRecords(dir, ended, async () => plan.source);
    const manifest = writeManifest(dir, await asReplayed(dir, withDamage(ended, damage)));
    return { manifest, fault };
  } catch (thrown) {
    if (fault === null) throw thrown;
    // What fails after a fault may follow from it. The run is marked as failed all the same.
    writeManifest(dir, ended);
    throw fault.error;
  }
}

/** The end of a replay. */
interface Replayed {
  /** Reason for which it stopped; null if it went to its end. */
  readonly stopped: string | null;
  /** Null in virtual time, and if the health of the client was not saved. */
  readonly client: ClientHealth | null;
  /** Idle time that was cut. */
  readonly idleUs: number;
  /** A fault of Reprise that ended the replay; thrown once the run is finished. */
  readonly fault: { readonly error: unknown } | null;
}

/** The end of a replay that threw, or whose records could not all be written. */
function stoppedBy(thrown: unknown): Replayed {
  const stopped = thrown instanceof UserError ? thrown.message : `a fault in reprise: ${messageOf(thrown)}`;
  return { stopped, client: null, fault: { error: thrown }, idleUs: 0 };
}

/** Replays a plan, writes its records, and detaches from the target. */
async function replayInto(
  dir: string,
  session: TargetSession,
  attachment: Attachment,
  { plan, hooks, part }: { readonly plan: RunPlan; readonly hooks: RunHooks; readonly part: RunPart },
): Promise<Replayed> {
  const { target, clock, wall, schedule, monitor } = attachment;
  const isTimed = wall !== null;
  const openStore =
    isTimed || plan.stats.outputTokens > MAX_TOKENS_WITHOUT_THREAD ? openRecordStore : openBlockingRecordStore;
  const store = await openStore(dir, { worker: part.worker, journal: isTimed }, isTimed ? null : clock);
  const stalls = wall === null ? null : new StallLog(() => wall.read());
  const context = { target: session.name, window: plan.window, worker: part.worker };
  const recent = new RecentRequests(plan.spec.slo?.limits ?? null);
  const recorder = new Recorder(store, context, stalls, [recent, ...part.watchers]);
  const health = wall === null || stalls === null ? null : new HealthMonitor(wall, recorder, stalls);
  const gone = abortedBy(session.gone.then(({ why, isFault }) => (isFault ? new Error(why) : new UserError(why))));
  const { timeoutUs, ttftTimeoutUs, maxInFlight, idleCapUs } = plan.spec.measure;
  let idleUs = 0;
  try {
    if (wall !== null) {
      useSingleThreadedGc();
      wall.startAt(part.startAtUs ?? machineUs() + LEAD_US);
    }
    monitor?.begin(dir, wall?.zeroUs ?? 0);
    hooks.started(plan, () => ({
      ...recorder.progress,
      nowUs: clock.now(),
      inFlight: recorder.inFlight,
      held: recorder.held,
      isStopping: hooks.stop.aborted,
      recent: recent.at(clock.now()),
    }));
    health?.start();
    let stopped: string | null;
    let fault: Replayed['fault'] = null;
    try {
      const stop = AbortSignal.any([hooks.stop, gone]);
      stopped = await replay(part.paced?.(schedule) ?? schedule, target, clock, recorder, {
        timeoutUs,
        ttftTimeoutUs,
        maxInFlight: maxInFlight ?? Infinity,
        stop,
        cut: hooks.cut,
        graceUs: GRACE_US,
        ...(idleCapUs === null || plan.sessions === null ? {} : { idleCapUs, idleCut: (us: number) => (idleUs += us) }),
      });
      if (gone.aborted && !(gone.reason instanceof UserError)) fault = { error: gone.reason };
    } catch (thrown) {
      ({ stopped, fault } = stoppedBy(thrown));
    }
    const client = health?.stop() ?? null;
    if (health !== null) writeClientSamples(dir, health.samples);
    return { stopped, client, fault, idleUs };
  } finally {
    try {
      await detach(attachment, hooks.log);
    } finally {
      await store.close();
    }
  }
}

async function detach({ monitor, close }: Attachment, log: Log): Promise<void> {
  try {
    const gaps = await monitor?.end();
    if (typeof gaps === 'string') log.warn(gaps);
  } finally {
    await close();
  }
}

/** A signal that aborts with the value of a promise as its reason. */
function abortedBy(reason: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void reason.then((why) => controller.abort(why));
  return controller.signal;
}

/** `runs/<utc time>-<workload>-<target>`, with a number behind it where that is taken. */
export function newRunDirectory({ source, spec }: RunPlan, startedAt: string): string {
  const workload = source.name.replace(/\..*$/, '').replaceAll(/[^\w.-]/g, '_');
  const dir = join('runs', `${compactTime(startedAt)}-${workload}-${spec.target.spec.name}`);
  let number = 1;
  while (existsSync(number === 1 ? dir : `${dir}-${number}`)) number++;
  return number === 1 ? dir : `${dir}-${number}`;
}

/** ISO 8601 -> `20261121T081500Z`. */
export function compactTime(iso: string): string {
  return iso.replaceAll(/[-:]|\.\d+/g, '');
}
