import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RecordStore } from '../core/record.ts';
import type { WriterMessage } from './record-writer-worker.ts';
import { RecordWriter, type WriterOptions } from './record-writer.ts';
import { requestsDirectory, writeError } from './run-directory.ts';

/** A store that writes to a run directory from a thread of its own. */
export function openRecordStore(dir: string, options: WriterOptions): RecordStore {
  const thread = new Worker(new URL(`./record-writer-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData: { dir, ...options },
  });
  const post = (message: WriterMessage): void => thread.postMessage(message, []);
  const ended = new Promise<void>((resolve, reject) => {
    thread.once('error', (error) => reject(writeError(requestsDirectory(dir), error)));
    thread.once('exit', () => resolve());
  });
  // An error on the way is not unhandled: `close` tells of it.
  ended.catch(() => undefined);
  // A caller that dies of something else must not be held alive by its store.
  thread.unref();
  return {
    sent: (records) => post({ kind: 'sent', records }),
    finished: (records) => post({ kind: 'finished', records }),
    close: () => {
      thread.ref();
      post({ kind: 'close' });
      return ended;
    },
  };
}

/**
 * The same in the caller's thread, for a run that is not timed and short: a thread costs as much CPU, until it runs and
 * has warmed up, as writing a million token times.
 */
export function openBlockingRecordStore(dir: string, options: WriterOptions): RecordStore {
  let writer: RecordWriter | null = null;
  let failed: { readonly error: unknown } | null = null;
  // As with a thread, nothing more is written after an error, and `close` tells of it.
  const attempt = (write: (writer: RecordWriter) => void): void => {
    if (failed !== null) return;
    try {
      write((writer ??= new RecordWriter(dir, options)));
    } catch (error) {
      failed = { error };
    }
  };
  return {
    sent: (records) => attempt((to) => to.sent(records)),
    finished: (records) => attempt((to) => to.finished(records)),
    close: async () => {
      attempt((to) => to.close());
      if (failed !== null) throw writeError(requestsDirectory(dir), failed.error);
    },
  };
}
