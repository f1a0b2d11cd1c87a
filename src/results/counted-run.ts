import type { RecordBatch } from '../core/record.ts';
import { stoppedRecords } from '../metrics/stopped.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import type { PeerContext } from './peers/peer.ts';

/** A run as its results are written for others. */
export interface CountedRun {
  readonly manifest: Manifest;
  readonly summary: Summary;
  /**
   * The requests that every figure is of: measured, and not what an interrupted run did not get to. Each call reads from
   * the start, in the same order.
   */
  records(): AsyncIterable<RecordBatch>;
}

export function countedRun(
  manifest: Manifest,
  summary: Summary,
  records: () => AsyncIterable<RecordBatch>,
): CountedRun {
  return { manifest, summary, records: () => counted(manifest, records()) };
}

async function* counted(manifest: Manifest, records: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  const isStopped = stoppedRecords(manifest);
  for await (const batch of records) yield batch.filter((record) => record.measured && !isStopped(record));
}

/** Whether each request has a time of its own; of some imported runs it is not known when they were sent. */
export function hasStarts({ imported }: Manifest): boolean {
  return imported?.starts !== 'unknown';
}

/** Who wrote a file for another tool, in place of that tool's version; of an imported run also who measured it. */
export function writtenBy({ versions, imported }: Manifest): string {
  const ours = `reprise-${versions['reprise'] ?? 'unknown'}`;
  return imported === undefined ? ours : `${ours} from ${imported.tool}`;
}

/** Whether the requests were chat completions. */
export function isChat({ clock, target, options }: Manifest): boolean {
  return clock === 'real' && (target.facts['endpoint'] ?? options?.['endpoint']) === 'chat';
}

export function contextOf(manifest: Manifest): PeerContext {
  return {
    isChat: isChat(manifest),
    isVirtual: manifest.clock === 'virtual',
    durationS: hasStarts(manifest) ? null : (manifest.imported?.duration_s ?? 0),
  };
}
