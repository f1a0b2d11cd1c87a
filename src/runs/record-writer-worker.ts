import { giveWay } from '../core/give-way.ts';
import { rejectedBy } from '../core/stop.ts';
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
        return rejectedBy(store.failed);
      case 'close':
        return store.close();
      default:
        store[question.kind](question.records);
    }
  };
});
