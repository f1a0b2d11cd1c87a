import { giveWay } from '../core/give-way.ts';
import { serveWorker } from '../core/worker.ts';
import { openBlockingRecordStore, type WriterData, type WriterQuestion } from './record-store.ts';

/** The thread of `openRecordStore`. */
serveWorker<WriterData, WriterQuestion, void>(({ dir, options }) => {
  if (options.journal) giveWay(); // a run that is timed
  const store = openBlockingRecordStore(dir, options);
  return (question) => {
    if (question.kind === 'close') return store.close();
    // The store was opened before the first question.
    if (question.kind !== 'open') store[question.kind](question.records);
  };
});
