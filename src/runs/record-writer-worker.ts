import { serveWorker } from '../core/worker.ts';
import { openBlockingRecordStore, type WriterData, type WriterQuestion } from './record-store.ts';

/** The thread of `openRecordStore`. */
serveWorker<WriterData, WriterQuestion, void>(({ dir, options }) => {
  const store = openBlockingRecordStore(dir, options);
  return (question) => (question.kind === 'close' ? store.close() : store[question.kind](question.records));
});
