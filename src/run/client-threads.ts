import { extname } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { unlessStopped } from '../core/stop.ts';
import { machineUs } from '../core/wall-clock.ts';
import { errorOf, startWorker, type PlainError, type WorkerThread } from '../core/worker.ts';
import type { RequestWatcher } from '../replay/recorder.ts';
import { uniteClients } from '../replay/unite-clients.ts';
import type { ClientSpec } from '../target/server-client.ts';
import { PROGRESS_BYTES, SharedProgress, totalProgress } from './client-progress.ts';
import { stoppedBy, type ClientHooks, type Clients, type ClientTask, type Ending, type Replayed } from './clients.ts';
import { RECENT_BYTES, recentLatency, RecentRequests } from './recent-requests.ts';
import { tellWatchers, type WatchedEvent } from './watched-requests.ts';

/** What a thread is started with. */
export interface ThreadData {
  readonly worker: number;
  readonly client: ClientSpec;
  readonly task: ClientTask;
  /** It writes both, and this thread reads them. */
  readonly memory: { readonly progress: SharedArrayBuffer; readonly recent: SharedArrayBuffer };
  /** Whether it is asked for what happens to requests. */
  readonly isWatched: boolean;
}

/** The steps of `Clients` and `Recording`; `watched`: what has happened since it was asked last. */
export type ThreadQuestion =
  | { readonly kind: 'open' | 'record' | 'detach' | 'close' | 'cut' | 'watched' }
  | { readonly kind: 'replay'; readonly startAtUs: number }
  | { readonly kind: 'stop'; readonly reason: string };

export type ThreadAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'replayed'; readonly replayed: PlainReplayed; readonly warnings: readonly string[] }
  | { readonly kind: 'watched'; readonly events: readonly WatchedEvent[]; readonly isLast: boolean };

export type PlainReplayed = Omit<Replayed, 'fault'> & { readonly fault: PlainError | null };

export type ClientThread = WorkerThread<ThreadQuestion, ThreadAnswer>;

function startThread(data: ThreadData): ClientThread {
  const file = new URL(`./client-worker${extname(import.meta.filename)}`, import.meta.url);
  return startWorker<ThreadData, ThreadQuestion, ThreadAnswer>(file, data);
}

/**
 * One client in a thread for each part of a plan, all with one due clock. What ends one before its last request ends them
 * all. `warn`: told what the clients have to say, once.
 */
export function clientThreads(
  parts: readonly ClientSpec[],
  task: ClientTask,
  { watchers }: ClientHooks,
  warn: (text: string) => void,
  start: (data: ThreadData) => ClientThread = startThread,
): Clients {
  const isWatched = watchers.length > 0;
  const members = parts.map((client, worker) => {
    const memory = { progress: new SharedArrayBuffer(PROGRESS_BYTES), recent: new SharedArrayBuffer(RECENT_BYTES) };
    return {
      thread: start({ worker, client, task, memory, isWatched }),
      progress: new SharedProgress(memory.progress),
      recent: new RecentRequests(task.slo, memory.recent),
    };
  });
  const threads = members.map(({ thread }) => thread);
  const alive = new Set(threads);
  let hasReplayed = false;
  let startUs = machineUs();
  const askAll = (kind: 'open' | 'record' | 'detach' | 'close'): Promise<ThreadAnswer>[] =>
    [...alive].map((thread) => thread.ask({ kind }));
  const endAll = async (): Promise<void> => {
    alive.clear();
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  return {
    async open(stop) {
      await unlessStopped(Promise.all(askAll('open')), stop);
    },
    async record() {
      await Promise.all(askAll('record'));
      return {
        async replay(startAtUs, ending) {
          hasReplayed = true;
          startUs = startAtUs;
          const { warnings, ...replayed } = await replayAll(alive, startAtUs, ending, watchers);
          warnings.forEach(warn);
          return replayed;
        },
        async close() {
          const closed = await Promise.allSettled(askAll('close'));
          await endAll();
          for (const each of closed) if (each.status === 'rejected') throw each.reason;
        },
        progress: () => totalProgress(members.map(({ progress }) => progress.read())),
        recent: (nowUs) =>
          recentLatency(
            members.map(({ recent }) => recent),
            nowUs,
          ),
        nowUs: () => machineUs() - startUs,
      };
    },
    async detach() {
      if (hasReplayed) await Promise.all(askAll('detach'));
      else await endAll();
    },
  };
}

/** What threads have to say, besides the end of their replay. */
interface ReplayedAll extends Replayed {
  readonly warnings: ReadonlySet<string>;
}

/** Replays in all threads at once; those that die are taken out of `alive`. */
async function replayAll(
  alive: Set<ClientThread>,
  startAtUs: number,
  { stop, cut }: Ending,
  watchers: readonly RequestWatcher[],
): Promise<ReplayedAll> {
  const warnings = new Set<string>();
  /** What stopped before its last request, in order of time. */
  const stopped: Replayed[] = [];
  const tellAll = (question: ThreadQuestion): void => alive.forEach((thread) => thread.post(question));
  const onStop = (): void => tellAll({ kind: 'stop', reason: messageOf(stop.reason) });
  const onCut = (): void => tellAll({ kind: 'cut' });
  const note = (end: Replayed): void => {
    if (end.stopped === null) return;
    stopped.push(end);
    if (stopped.length === 1 && !stop.aborted) tellAll({ kind: 'stop', reason: end.stopped });
    if (end.fault !== null) onCut();
  };
  const replayIn = async (thread: ClientThread, worker: number, of: number): Promise<Replayed> => {
    let end: Replayed;
    try {
      const answer = await thread.ask({ kind: 'replay', startAtUs });
      if (answer.kind !== 'replayed') throw new Error('the thread was asked to replay');
      for (const text of answer.warnings) warnings.add(text);
      const { fault, ...replayed } = answer.replayed;
      end = { ...replayed, fault: fault === null ? null : { error: errorOf(fault) } };
    } catch (thrown) {
      alive.delete(thread);
      end = stoppedBy(endOfThread(thrown, worker, of));
    }
    note(end);
    return end;
  };

  const ending = [...alive].map((thread, worker, { length }) => replayIn(thread, worker, length));
  const watching =
    watchers.length === 0
      ? []
      : [...alive].map((thread) => watch(thread, watchers).catch((thrown: unknown) => note(stoppedBy(thrown))));
  stop.addEventListener('abort', onStop, { once: true });
  cut.addEventListener('abort', onCut, { once: true });
  if (stop.aborted) onStop();
  if (cut.aborted) onCut();
  const ends = await Promise.all(ending);
  await Promise.all(watching);
  stop.removeEventListener('abort', onStop);
  cut.removeEventListener('abort', onCut);
  const cause = stopped.find(({ fault }) => fault !== null) ?? stopped[0];
  return {
    stopped: cause?.stopped ?? null,
    fault: cause?.fault ?? null,
    report: uniteClients(ends.flatMap(({ report }) => report ?? [])),
    idleUs: 0,
    warnings,
  };
}

/** Hands on what happens in a thread until its replay is over. */
async function watch(thread: ClientThread, watchers: readonly RequestWatcher[]): Promise<void> {
  for (let isLast = false; !isLast;) {
    // What ends a thread is said where it replays.
    const answer = await thread.ask({ kind: 'watched' }).catch(() => null);
    if (answer?.kind !== 'watched') return;
    tellWatchers(watchers, answer.events);
    ({ isLast } = answer);
  }
}

/** What ended a thread, for the user where it is none of our faults. */
function endOfThread(thrown: unknown, worker: number, of: number): unknown {
  if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_WORKER_OUT_OF_MEMORY')) return thrown;
  return new UserError(
    `worker ${worker} of ${of} ran out of memory: what it had in flight is cut, and the run ends; with more --workers each has less to hold, or give the process more (NODE_OPTIONS=--max-old-space-size=MB)`,
    { cause: thrown },
  );
}
