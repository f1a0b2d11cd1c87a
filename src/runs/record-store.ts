import { extname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { collectGarbage } from '../core/collect-garbage.ts';
import type { RecordBatch, RecordStore } from '../core/record.ts';
import { startWorker, type WorkerThread } from '../core/worker.ts';
import { RecordWriter, type WriterOptions } from './record-writer.ts';
import { requestsDirectory, writeError } from './run-directory.ts';

export interface WriterData {
  readonly dir: string;
  readonly options: WriterOptions;
}

export type WriterQuestion =
  | { readonly kind: 'sent' | 'finished'; readonly records: RecordBatch }
  /** `failure` is answered by the first error of writing alone. */
  | { readonly kind: 'open' | 'failure' | 'close' };

/** Records that are passed on between two polls, which takes some 0.1 ms: no request is to wait for a whole batch. */
const PIECE = 32;
/** Of a simulation, between two collections of what its requests left. */
const RECORDS_A_COLLECTION = 16_384;
/** Batches for the thread that may wait in virtual time, which is faster than it: a few MB. */
const MOST_WAITING = 16;

type Writer = WorkerThread<WriterQuestion, void>;

/**
 * A store that writes to a run directory from a thread of its own, once that thread is up: what it is given is kept.
 * `clock`: one that stands still while too much waits for the thread; null: the caller is timed, no reply interrupts it,
 * and batches for a journal go in pieces, one a round of the event loop.
 */
export async function openRecordStore(
  dir: string,
  options: WriterOptions,
  clock: Pick<Clock, 'wait'> | null = null,
): Promise<RecordStore> {
  const file = new URL(`./record-writer-worker${extname(import.meta.filename)}`, import.meta.url);
  const thread = startWorker<WriterData, WriterQuestion, void>(file, { dir, options });
  // A thread that could not begin says so when it is closed.
  await thread.ask({ kind: 'open' }).catch(() => undefined);
  // A process that dies of another error must not be kept alive by its store.
  thread.keepAlive(false);
  const failure = new AbortController();
  thread.ask({ kind: 'failure' }).catch((error: unknown) => failure.abort(error));
  const { signal } = failure;
  return clock === null ? timedStore(thread, signal, options.journal) : waitedForStore(thread, signal, clock);
}

function timedStore(thread: Writer, failed: AbortSignal, inPieces: boolean): RecordStore {
  const waiting: WriterQuestion[] = [];
  const postNext = (): void => {
    const next = waiting.shift();
    if (next !== undefined) thread.post(next);
    if (waiting.length > 0) setImmediate(postNext);
  };
  const post = (kind: 'sent' | 'finished', records: RecordBatch): void => {
    const isIdle = waiting.length === 0;
    const length = inPieces ? PIECE : records.length;
    for (let from = 0; from < records.length; from += length)
      waiting.push({ kind, records: records.slice(from, from + length) });
    if (isIdle) postNext();
  };
  return {
    failed,
    sent: (records) => post('sent', records),
    finished: (records) => post('finished', records),
    close: async () => {
      for (const question of waiting.splice(0)) thread.post(question);
      await closeWriter(thread);
    },
  };
}

function waitedForStore(thread: Writer, failed: AbortSignal, clock: Pick<Clock, 'wait'>): RecordStore {
  let waiting = 0;
  let uncollected = 0;
  let isClosing = false;
  const written = (): void => {
    waiting--;
    if (waiting === 0 && !isClosing) thread.keepAlive(false);
  };
  return {
    failed,
    sent: (records) => thread.post({ kind: 'sent', records }),
    finished: (records) => {
      uncollected += records.length;
      if (uncollected >= RECORDS_A_COLLECTION) {
        uncollected = 0;
        collectGarbage();
      }
      waiting++;
      const done = thread.ask({ kind: 'finished', records }).then(written, written);
      if (waiting < MOST_WAITING) return;
      // While the clock stands still, nothing else keeps the process alive.
      thread.keepAlive(true);
      clock.wait(done);
    },
    close: async () => {
      isClosing = true;
      await closeWriter(thread);
    },
  };
}

/** Questions are taken in order: everything that was handed over is written before this one is answered. */
async function closeWriter(thread: Writer): Promise<void> {
  thread.keepAlive(true);
  try {
    await thread.ask({ kind: 'close' });
  } finally {
    await thread.terminate();
  }
}

/**
 * The same in the caller's thread, for a run that is not timed and short: a thread costs as much CPU, until it runs and
 * has warmed up, as writing a million token times.
 */
export function openBlockingRecordStore(dir: string, options: WriterOptions): RecordStore {
  const failure = new AbortController();
  // After the first error nothing more is written, and `close` rejects with it.
  const attempt = <T>(write: () => T): T | null => {
    if (failure.signal.aborted) return null;
    try {
      return write();
    } catch (error) {
      failure.abort(writeError(requestsDirectory(dir), error));
      return null;
    }
  };
  const writer = attempt(() => new RecordWriter(dir, options));
  return {
    failed: failure.signal,
    sent: (records) => attempt(() => writer?.sent(records)),
    finished: (records) => attempt(() => writer?.finished(records)),
    close: async () => {
      attempt(() => writer?.close());
      failure.signal.throwIfAborted();
    },
  };
}
