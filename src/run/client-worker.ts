import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../core/log.ts';
import { plainError, serveWorker } from '../core/worker.ts';
import { openClientOf } from '../target/server-client.ts';
import { clientHere } from './client-here.ts';
import { SharedProgress } from './client-progress.ts';
import type { ThreadAnswer, ThreadData, ThreadQuestion } from './client-threads.ts';
import type { Clients, Recording } from './clients.ts';
import { RecentRequests } from './recent-requests.ts';
import { WatchedRequests } from './watched-requests.ts';

/** How often progress is written, and watched requests are handed on: well above the rate at which anybody looks. */
const EVERY_MS = 100;

const DONE: ThreadAnswer = { kind: 'done' };

/** The thread's side of `clientThreads`: one client, as it would be in the main thread. */
serveWorker<ThreadData, ThreadQuestion, ThreadAnswer>(({ worker, client, task, memory, isWatched }) => {
  const [stop, cut] = [new AbortController(), new AbortController()];
  const warnings: string[] = [];
  const progress = new SharedProgress(memory.progress);
  const place = { worker, recent: new RecentRequests(task.slo, memory.recent) };
  const watched = new WatchedRequests();
  let clients: Clients | null = null;
  let recording: Recording | null = null;
  let isOver = false;

  const replay = async (open: Recording, startAtUs: number): Promise<ThreadAnswer> => {
    const write = (): void => progress.write(open.progress());
    const timer = setInterval(write, EVERY_MS);
    try {
      const { fault, ...replayed } = await open.replay(startAtUs, { stop: stop.signal, cut: cut.signal });
      return {
        kind: 'replayed',
        replayed: { ...replayed, fault: fault === null ? null : plainError(fault.error) },
        warnings,
      };
    } finally {
      clearInterval(timer);
      write();
      isOver = true;
    }
  };

  return async (question) => {
    switch (question.kind) {
      case 'open': {
        const opened = await openClientOf(client, { ...SILENT, warn: (text) => void warnings.push(text) });
        clients = clientHere(opened, task, { watchers: isWatched ? [watched] : [], paced: null }, place);
        return DONE;
      }
      case 'record':
        recording = await there(clients).record();
        return DONE;
      case 'replay':
        return await replay(there(recording), question.startAtUs);
      case 'watched':
        if (!isOver) await sleep(EVERY_MS);
        // Taken together, so that nothing comes between the two.
        return { kind: 'watched', isLast: isOver, events: watched.take() };
      case 'stop':
        stop.abort(new Error(question.reason));
        return DONE;
      case 'cut':
        cut.abort();
        return DONE;
      case 'detach':
        await there(clients).detach();
        return DONE;
      case 'close':
        await there(recording).close();
        return DONE;
    }
  };
});

/** The steps come in order. */
function there<T>(made: T | null): T {
  if (made === null) throw new Error('a step of a client came before the one that it needs');
  return made;
}
