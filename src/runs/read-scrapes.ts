import { existsSync } from 'node:fs';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { messageOf, UserError } from '../core/errors.ts';
import type { Scrape, ServerSample } from '../schema/server-metrics.ts';
import { fileProblem } from './records.ts';
import { serverFile } from './run-directory.ts';
import { refuse, type OnProblem } from './seal.ts';
import { UP } from './server-file.ts';

/** The scrapes of a run in order of time; null if it has none, or after a `problem` with its file. */
export function readScrapes(dir: string, problem: OnProblem = refuse): AsyncIterable<Scrape> | null {
  const file = serverFile(dir);
  const wrong = fileProblem(file);
  if (wrong !== null) {
    problem(wrong);
    return null;
  }
  return existsSync(file) ? scrapesOf(file) : null;
}

async function* scrapesOf(file: string): AsyncGenerator<Scrape> {
  let open: { timeUs: number; samples: ServerSample[] | null } | undefined;
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      const rows: unknown[] = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd });
      for (const row of rows) {
        if (!isRow(row)) throw new Error(`a row is ${String(row)}`);
        const { time_us, name, labels, value } = row;
        if (name === UP) {
          const timeUs = Number(time_us);
          const isRead = value === 1;
          // Of another page at the same time.
          if (open?.timeUs === timeUs) open.samples = isRead ? open.samples : null;
          else {
            if (open !== undefined) yield open;
            open = { timeUs, samples: isRead ? [] : null };
          }
        } else open?.samples?.push({ name, labels, value });
      }
      rowStart = rowEnd;
    }
  } catch (thrown) {
    throw new UserError(
      `${file}: damaged, or not the server's metrics (${messageOf(thrown)}); restore it, or move it away to do without`,
      { cause: thrown },
    );
  }
  if (open !== undefined) yield open;
}

interface Row extends ServerSample {
  readonly time_us: bigint;
}

/** By hand, because a schema takes longer than reading, and takes no NaN. */
function isRow(row: unknown): row is Row {
  return (
    typeof row === 'object' &&
    row !== null &&
    'time_us' in row &&
    typeof row.time_us === 'bigint' &&
    'name' in row &&
    typeof row.name === 'string' &&
    'labels' in row &&
    typeof row.labels === 'string' &&
    'value' in row &&
    typeof row.value === 'number'
  );
}
