import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadOfWorker } from '../certificate/load.ts';
import { pollingPays } from '../certificate/polling.ts';
import { UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { quietV8 } from '../core/quiet-v8.ts';
import type { Source } from '../core/plan.ts';
import { stoppedError, unlessStopped } from '../core/stop.ts';
import { countText } from '../core/words.ts';
import { machineUs } from '../core/wall-clock.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { writeClientSamples } from '../runs/client-file.ts';
import { withDirectory } from '../runs/owner.ts';
import { checkRunDirectory, createRunDirectory, writeManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { openTarget } from '../target/open-target.ts';
import type { AttachedClients, Attachment, TargetSession } from '../target/session.ts';
import { checkTarget } from '../target/target-spec.ts';
import { certifiedRun, plannedLoad, uncertified, warnBeyond } from './certified.ts';
import { clientHere } from './client-here.ts';
import type { ClientProgress } from './client-progress.ts';
import { clientThreads } from './client-threads.ts';
import {
  stoppedBy,
  type ClientHooks,
  type Clients,
  type ClientTask,
  type Recording,
  type Replayed,
} from './clients.ts';
import { asReplayed, completeRecords, keptRecords, reportRun, stillGoesOn, withDamage } from './finish.ts';
import { describeRun } from './manifest.ts';
import { planRun, type RunPlan } from './plan-run.ts';
import { describeProbe, tellProbe } from './probe-file.ts';
import type { RecentLatency } from './recent-requests.ts';
import { patienceUs, type RunSpec } from './run-spec.ts';

/** Time from the start of the clock to the first due time, so that the first batches are on the clock by then. */
const LEAD_US = 300_000;
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

/** What a search adds to a run, and is told of it. */
export interface RunPart extends ClientHooks {
  /** Called after the replay, before the report is made: the run does not need its target any more. */
  readonly replayed: () => void;
}
export const ALONE: RunPart = { watchers: [], paced: null, replayed: () => undefined };

export interface RunProgress extends ClientProgress {
  readonly nowUs: number;
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
    patienceUs: patienceUs(measure),
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
  const { timeoutUs, maxInFlight } = spec.measure;
  if (spec.probe !== null) tellProbe(describeProbe(spec.probe, plan, session.facts.model), hooks.nowIso(), hooks.log);
  // Due times that are decided as requests end are not those of the plan.
  const load = plannedLoad(part.paced === null ? stats : {});
  const polling = pollingPays(loadOfWorker(load, plan.workers), spec.certificate);
  const { poll } = spec.target;
  if (spec.certificate === null) {
    const problem = uncertified(spec.target);
    if (problem !== null) hooks.log.warn(problem);
  } else {
    const isPolling = poll === 'on' || (poll === 'auto' && polling === true);
    warnBeyond(load, spec.certificate, { isPolling, workers: plan.workers }, hooks.log);
  }
  const attachment = await session.attach(plan, {
    runId: basename(dir),
    workers: plan.workers,
    prepare: { ...spec.prepare, timeoutUs },
    firstRequests: stats.firstRequests,
    pollingPays: polling,
    maxInFlight,
    stop: hooks.stop,
    log: hooks.log,
  });

  const clients = clientsOf(attachment.clients, taskOf(session, plan, dir), part, hooks.log);

  // Replay: from here on there is a run directory, and it records how the run ends.
  const begun = describeRun(plan, { dir, startedAt: hooks.nowIso() }, session, attachment, part.paced !== null);
  let isBegun = false;
  const owned = async (): Promise<Recorded> => {
    if (hooks.stop.aborted) throw stoppedError(hooks.stop);
    createRunDirectory(dir);
    session.keepLog(dir);
    writeManifest(dir, begun);
    isBegun = true;
    const replayed = await replayInto(dir, session, { ...attachment, clients }, plan, hooks).catch(stoppedBy);
    part.replayed();
    return await finishRecords(dir, begun, plan, hooks, replayed);
  };
  try {
    await clients.open(hooks.stop);
    return await withDirectory(dir, owned, () => stillGoesOn(dir, begun));
  } finally {
    if (!isBegun) await detach({ ...attachment, clients }, hooks.log);
  }
}

/** First the records, then the end of the run: a run that is killed between the two is mended like any killed run. */
async function finishRecords(
  dir: string,
  begun: Manifest,
  plan: RunPlan,
  hooks: RunHooks,
  { stopped, report, fault, idleUs }: Replayed,
): Promise<Recorded> {
  // Requests that the client did not get to, by its user or by a fault of its own, are no failures of the server.
  const isOurs = hooks.stop.aborted || fault !== null;
  const status = stopped === null ? 'complete' : isOurs ? 'interrupted' : 'failed';
  const { sessions } = begun;
  const client = report?.health ?? null;
  const certificate = certifiedRun(plan.spec.certificate, client, plan.workers);
  const ended: Manifest = {
    ...begun,
    status,
    reason: stopped,
    ended_at: hooks.nowIso(),
    client,
    ...(certificate === undefined ? {} : { certificate }),
    ...(sessions === undefined ? {} : { sessions: { ...sessions, idle_removed_s: idleUs / 1e6 } }),
  };
  try {
    const damage =
      status === 'complete' ? [] : await completeRecords(dir, ended, () => stillThere(plan)).catch(notCounted);
    const manifest = writeManifest(dir, await asReplayed(dir, withDamage(ended, damage)));
    return { manifest, fault };
  } catch (thrown) {
    if (fault === null) throw thrown;
    // What fails after a fault may follow from it. That the run has ended is said all the same.
    try {
      writeManifest(dir, ended);
    } catch {
      // Such as on a full disk, which was the fault.
    }
    throw keptRecords(dir, fault.error);
  }
}

/** The source of a plan; throws a UserError where its trace has changed or gone since. */
async function stillThere({ source, stats }: RunPlan): Promise<Source> {
  let requests = 0;
  for await (const batch of source.open()) requests += batch.length;
  if (requests === stats.requests) return source;
  throw new UserError(
    `${source.name} had ${countText(stats.requests, 'request')}, now ${countText(requests, 'request')}`,
  );
}

function notCounted(thrown: unknown): readonly string[] {
  if (!(thrown instanceof UserError)) throw thrown;
  return [`requests that were not sent are not counted: ${thrown.message}`];
}

/** Who sends the requests of a run, and who looks at the target meanwhile. */
interface Ready extends Pick<Attachment, 'monitor'> {
  readonly clients: Clients;
}

function clientsOf(attached: AttachedClients, task: ClientTask, part: RunPart, log: Log): Clients {
  if ('here' in attached) return clientHere(attached.here, task, part);
  return clientThreads(attached.threads, task, part, (text) => log.warn(text));
}

function taskOf({ name }: TargetSession, { spec, stats, window, sessions }: RunPlan, dir: string): ClientTask {
  const { timeoutUs, ttftTimeoutUs, maxInFlight, idleCapUs } = spec.measure;
  return {
    dir,
    target: name,
    window,
    slo: spec.slo?.limits ?? null,
    outputTokens: stats.outputTokens,
    timeoutUs,
    ttftTimeoutUs,
    maxInFlight,
    idleCapUs: sessions === null ? null : idleCapUs,
  };
}

/** Replays a plan, writes its records, and detaches from the target. */
async function replayInto(
  dir: string,
  session: TargetSession,
  ready: Ready,
  plan: RunPlan,
  hooks: RunHooks,
): Promise<Replayed> {
  const { clients, monitor } = ready;
  let recording: Recording | null = null;
  try {
    const opened = (recording = await clients.record());
    const isTimed = plan.spec.target.clock === 'real';
    if (isTimed) quietV8();
    const startAtUs = isTimed ? machineUs() + LEAD_US : 0;
    monitor?.begin(dir, startAtUs);
    const nowUs = (): number => (isTimed ? machineUs() - startAtUs : opened.nowUs());
    hooks.started(plan, () => ({
      ...opened.progress(),
      nowUs: nowUs(),
      isStopping: hooks.stop.aborted,
      recent: opened.recent(nowUs()),
    }));
    const gone = abortedBy(session.gone.then(({ why, isFault }) => (isFault ? new Error(why) : new UserError(why))));
    const stop = AbortSignal.any([hooks.stop, gone]);
    const replayed = await opened.replay(startAtUs, { stop, cut: hooks.cut });
    if (replayed.report !== null) writeClientSamples(dir, replayed.report.samples);
    const isFault = gone.aborted && !(gone.reason instanceof UserError);
    return isFault && replayed.fault === null ? { ...replayed, fault: { error: gone.reason } } : replayed;
  } finally {
    try {
      await detach(ready, hooks.log);
    } finally {
      await recording?.close();
    }
  }
}

async function detach({ monitor, clients }: Ready, log: Log): Promise<void> {
  try {
    const gaps = await monitor?.end();
    if (typeof gaps === 'string') log.warn(gaps);
  } finally {
    await clients.detach();
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
