import { giveWay } from '../core/give-way.ts';
import { serveWorker } from '../core/worker.ts';
import { openBlockingRecordStore, type WriterData, type WriterQuestion } from './record-store.ts';

/** The thread of `openRecordStore`. */
serveWorker<WriterData, WriterQuestion, void>(({ dir, options }) => {
  if (options.journal) giveWay(); // a run that is timed
  const store = openBlockingRecordStore(dir, options);
  return (question) => {
    switch (question.kind) {
      case 'open':
        return; // the store was opened before the first question
      case 'failure':
        return failureOf(store.failed);
      case 'close':
        return store.close();
      default:
        store[question.kind](question.records);
    }
  };
});

/** Never resolves. */
function failureOf(failed: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(failed.reason);
    if (failed.aborted) fail();
    else failed.addEventListener('abort', fail, { once: true });
  });
}
