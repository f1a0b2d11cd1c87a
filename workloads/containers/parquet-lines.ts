import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { tooLargeGroup } from './parquet-pages.ts';

/** Whether a file that begins so is Parquet. */
export function isParquet(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'PAR1';
}

/**
 * The rows of a Parquet file, each as a JSON object in a line: times as ISO 8601 with microseconds, bytes as text. Holds a
 * group of rows. Throws a UserError for a file that is damaged, or whose groups are too large to be held.
 */
export async function* parquetLines(path: string): AsyncGenerator<string> {
  try {
    // Imported here, its tables of codes cost callers without such a file nothing.
    const { compressors } = await import('hyparquet-compressors');
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const tooLarge = await tooLargeGroup(file, group);
      if (tooLarge !== null)
        throw new UserError(
          `${path}: row_too_long: a group of its rows has ${tooLarge}; write it with smaller row groups, or without its texts`,
        );
      const rows: unknown[] = await parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors,
        parsers: TIMES,
      });
      for (const row of rows) yield `${JSON.stringify(row, plain)}\n`;
      rowStart = rowEnd;
    }
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      `${path}: parquet_damaged: cannot be read as Parquet: ${messageOf(thrown)}; copy or download it again, or write it as JSON Lines`,
      { cause: thrown },
    );
  }
}

/** A `Date` would drop what is below a millisecond. */
const TIMES = {
  timestampFromMilliseconds: (ms: bigint) => isoUs(ms * 1000n),
  timestampFromMicroseconds: isoUs,
  timestampFromNanoseconds: (ns: bigint) => isoUs(ns / 1000n),
};

function isoUs(us: bigint): string | null {
  const ms = us / 1000n;
  const date = new Date(Number(ms));
  if (Number.isNaN(date.getTime())) return null;
  return `${date.toISOString().slice(0, -1)}${String(us - ms * 1000n).padStart(3, '0')}Z`;
}

/** For `JSON.stringify`, which knows no whole number above 2^53 and no bytes. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return value;
}
