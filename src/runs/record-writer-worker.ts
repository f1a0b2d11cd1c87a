import { parentPort, workerData } from 'node:worker_threads';
import type { JournalEntry } from './journal.ts';
import { RecordWriter, type WriterOptions } from './record-writer.ts';

/** What the thread is told; anything that goes wrong here ends the thread with that error. */
export type WriterMessage = JournalEntry | { readonly kind: 'close' };

const { dir, ...options }: WriterOptions & { readonly dir: string } = workerData;
const writer = new RecordWriter(dir, options);

parentPort?.on('message', (message: WriterMessage) => {
  switch (message.kind) {
    case 'sent':
      writer.sent(message.records);
      break;
    case 'finished':
      writer.finished(message.records);
      break;
    case 'close':
      writer.close();
      parentPort?.close();
      break;
  }
});
