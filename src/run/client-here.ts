import { collectGarbage } from '../core/collect-garbage.ts';
import { HealthMonitor } from '../replay/health.ts';
import { Recorder } from '../replay/recorder.ts';
import { replay } from '../replay/replay.ts';
import { StallLog } from '../replay/stalls.ts';
import { openBlockingRecordStore, openRecordStore } from '../runs/record-store.ts';
import type { Client } from '../target/session.ts';
import { stoppedBy, type ClientHooks, type Clients, type ClientTask, type Recording } from './clients.ts';
import { recentLatency, RecentRequests } from './recent-requests.ts';

/** Requests in flight when a run is interrupted may end within this time. */
const GRACE_US = 5e6;
/**
 * In virtual time, plans with more output tokens than this have their records written by a thread, beside the
 * simulation.
 */
const MAX_TOKENS_WITHOUT_THREAD = 1e6;

/** Which of several clients it is. Each has a part of the plan and a record store of its own. */
export interface WorkerPlace {
  readonly worker: number;
  /** Keeps what its latest requests got. */
  readonly recent: RecentRequests;
}

/** One client, in the thread that calls it: it sends, times and records the requests of its schedule. */
export function clientHere(
  client: Client,
  task: ClientTask,
  { watchers, paced }: ClientHooks,
  { worker, recent }: WorkerPlace = { worker: 0, recent: new RecentRequests(task.slo) },
): Clients {
  const { target, clock, wall, schedule } = client;
  const record = async (): Promise<Recording> => {
    const isTimed = wall !== null;
    const openStore =
      isTimed || task.outputTokens > MAX_TOKENS_WITHOUT_THREAD ? openRecordStore : openBlockingRecordStore;
    const store = await openStore(task.dir, { worker, journal: isTimed }, isTimed ? null : clock);
    const stalls = wall === null ? null : new StallLog(() => wall.read());
    const context = { target: task.target, window: task.window, worker };
    const recorder = new Recorder(store, context, stalls, [recent, ...watchers]);
    if (isTimed) collectGarbage();
    return {
      async replay(startAtUs, { stop, cut }) {
        const health = wall === null || stalls === null ? null : new HealthMonitor(wall, recorder, stalls);
        wall?.startAt(startAtUs);
        health?.start();
        let idleUs = 0;
        const { idleCapUs } = task;
        const options = {
          timeoutUs: task.timeoutUs,
          ttftTimeoutUs: task.ttftTimeoutUs,
          maxInFlight: task.maxInFlight ?? Infinity,
          // What cannot be recorded is not worth sending.
          stop: AbortSignal.any([stop, store.failed]),
          cut,
          graceUs: GRACE_US,
          ...(idleCapUs === null ? {} : { idleCapUs, idleCut: (us: number) => void (idleUs += us) }),
        };
        const replayed = await replay(paced?.(schedule) ?? schedule, target, clock, recorder, options).then(
          (stopped) => ({ stopped, fault: null }),
          stoppedBy,
        );
        const report = health === null ? null : { health: health.stop(), samples: health.samples };
        return { ...replayed, report, idleUs };
      },
      close: () => store.close(),
      progress: () => ({ ...recorder.progress, inFlight: recorder.inFlight, held: recorder.held }),
      recent: (nowUs) => recentLatency([recent], nowUs),
      nowUs: () => clock.now(),
    };
  };
  return { open: async () => undefined, record, detach: () => client.close() };
}
