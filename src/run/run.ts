import { join } from 'node:path';
import { useSingleThreadedGc } from '../core/single-threaded-gc.ts';
import { messageOf } from '../core/errors.ts';
import type { ClientHealth, Manifest } from '../schema/manifest.ts';
import type { Plan, PlanStats } from '../core/plan.ts';
import type { Summary } from '../schema/summary.ts';
import { HealthMonitor } from '../replay/health.ts';
import { Recorder, type Progress } from '../replay/recorder.ts';
import { machineUs } from '../core/wall-clock.ts';
import { traceOrder } from '../core/schedule.ts';
import { StallLog } from '../replay/stalls.ts';
import { replay } from '../replay/replay.ts';
import { writeClientSamples } from '../runs/client-file.ts';
import { openBlockingRecordStore, openRecordStore } from '../runs/record-store.ts';
import { checkRunDirectory, createRunDirectory, writeManifest } from '../runs/run-directory.ts';
import { describeRun, type CheckedRun } from './manifest.ts';
import { completeRecords, reportRun } from './finish.ts';
import { measurementWindow } from './measurement-window.ts';
import type { RunSpec } from './run-spec.ts';
import { openArena } from '../target/open-target.ts';
import { checkTarget, targetName } from '../target/target-spec.ts';
import { startIfAsked, type ServerOfRun } from '../target/launch.ts';
import { scanWorkload } from '../../workloads/open-workload.ts';

/** The first due time lies this far ahead of the start of the clock, so that the first batches are on it by then. */
const LEAD_US = 300_000;
/** What is in flight when a run is interrupted may end within this. */
const GRACE_US = 5e6;
/** In virtual time, more are written beside the simulation. */
const MAX_TOKENS_WITHOUT_THREAD = 1e6;

/** What the caller is told while a run goes on, and how it can end it. */
export interface RunHooks {
  /** Wall-clock time, which only commands may read: ISO 8601 in UTC. */
  readonly nowIso: () => string;
  readonly warn: (text: string) => void;
  /** What goes on before the run has begun, a line now and then. */
  readonly tell: (text: string) => void;
  /** The run has begun; `look` says how far it is, at any time. */
  readonly started: (dir: string, stats: PlanStats, look: () => RunProgress) => void;
  readonly stop: AbortSignal;
  readonly cut: AbortSignal;
}

export interface RunProgress extends Progress {
  readonly nowUs: number;
  readonly inFlight: number;
}

export interface RunResult {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
}

/** One run from a spec: everything is checked before anything is sent, everything that was measured is kept. */
export async function runOnce(asked: RunSpec, hooks: RunHooks): Promise<RunResult> {
  // Checks: the workload reads to its end, the target exists and answers.
  checkTarget(asked);
  if (asked.clock === 'virtual' && (asked.resetCache || asked.warmupRequests > 0))
    hooks.warn('--reset-cache and --warmup-requests do nothing in virtual time: the engine is new, and is never cold');
  const {
    spec: workload,
    source,
    stats,
    badRows,
  } = await scanWorkload(asked.workload, asked.seed, {
    info: hooks.tell,
    warn: hooks.warn,
  });
  const spec: RunSpec = { ...asked, workload };
  const window = await measurementWindow(spec, source, stats);
  const plan: Plan = { source, stats, window, seed: spec.seed };
  const startedAt = hooks.nowIso();
  const dir =
    spec.out ??
    join(
      'runs',
      `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${source.name.replace(/\..*$/, '')}-${targetName(spec.target)}`,
    );
  checkRunDirectory(dir);
  const server = await startIfAsked(spec, dir, hooks);
  let manifest: Manifest;
  try {
    manifest = await measure({ spec, plan, badRows, dir, startedAt }, server, hooks);
  } finally {
    await server?.stop();
  }
  // Reading: everything after this line can be done again on the finished directory.
  return { dir, manifest, summary: await reportRun(dir, manifest) };
}

/** Replays a plan and records what happens; its manifest says how it ended. `server`: started for this run. */
async function measure(run: CheckedRun, server: ServerOfRun | null, hooks: RunHooks): Promise<Manifest> {
  const { spec, plan, dir } = run;
  const arena = await openArena(spec, plan, dir, hooks);
  const manifest = describeRun(run, arena);
  try {
    createRunDirectory(dir);
    server?.moveLog();
    writeManifest(dir, manifest);
  } catch (thrown) {
    await arena.watch?.end();
    await arena.close();
    throw thrown;
  }

  // Replay: from here on there is a run directory, and whatever happens is recorded in it.
  const isTimed = arena.wall !== null;
  const openStore =
    isTimed || plan.stats.outputTokens > MAX_TOKENS_WITHOUT_THREAD ? openRecordStore : openBlockingRecordStore;
  const store = openStore(dir, { worker: 0, journal: isTimed });
  const { wall } = arena;
  const stalls = wall === null ? null : new StallLog(() => wall.read());
  const recorder = new Recorder(store, { target: targetName(spec.target), window: plan.window, worker: 0 }, stalls);
  const gone = [arena.gone, ...(server === null ? [] : [server.gone])];
  let stopped: string | null;
  let client: ClientHealth | null = null;
  try {
    if (arena.wall !== null) {
      useSingleThreadedGc();
      arena.wall.startAt(machineUs() + LEAD_US);
      arena.watch?.begin(dir, arena.wall.zeroUs);
    }
    hooks.started(dir, plan.stats, () => ({
      ...recorder.progress,
      nowUs: arena.clock.now(),
      inFlight: recorder.inFlight,
    }));
    const health = arena.wall === null || stalls === null ? null : new HealthMonitor(arena.wall, recorder, stalls);
    health?.start();
    stopped = await replay(traceOrder(arena.feed), arena.target, arena.clock, recorder, {
      timeoutUs: spec.timeoutUs,
      ttftTimeoutUs: spec.ttftTimeoutUs,
      stop: AbortSignal.any([hooks.stop, abortedBy(Promise.race(gone))]),
      cut: hooks.cut,
      graceUs: GRACE_US,
    });
    if (health !== null) {
      client = health.stop();
      writeClientSamples(dir, health.samples);
    }
  } catch (thrown) {
    stopped = `a fault in reprise: ${messageOf(thrown)}`;
  } finally {
    const gaps = await arena.watch?.end();
    if (typeof gaps === 'string') hooks.warn(gaps);
    await arena.close();
    await store.close();
  }
  const status = stopped === null ? 'complete' : hooks.stop.aborted ? 'interrupted' : 'failed';
  const ended: Manifest = { ...manifest, status, reason: stopped, ended_at: hooks.nowIso(), client };
  // First the records, then that it has ended: killed between the two, it is mended like a run that was killed.
  if (status !== 'complete') await completeRecords(dir, ended, async () => plan.source);
  writeManifest(dir, ended);
  return ended;
}

function abortedBy(gone: Promise<string>): AbortSignal {
  const controller = new AbortController();
  void gone.then((why) => controller.abort(new Error(why)));
  return controller.signal;
}
