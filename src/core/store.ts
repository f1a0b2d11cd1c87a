import type { RecordBatch } from './record.ts';

/** Where a run's records go while it runs. While requests are timed calls return at once, and a thread of its own writes. */
export interface RecordStore {
  /** Requests just sent, each as the record it would be if the run were killed now (outcome `cut`). */
  sent(batch: RecordBatch): void;
  /** Requests that have ended; each supersedes what `sent` said of it. */
  finished(batch: RecordBatch): void;
  /** Resolves when everything is on disk; rejects with what went wrong on the way. */
  close(): Promise<void>;
}
