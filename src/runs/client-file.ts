import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { messageOf, UserError } from '../core/errors.ts';
import type { ClientSample } from '../schema/client-sample.ts';
import { basename } from 'node:path';
import { fileProblem } from './records.ts';
import { noteFile } from './seal.ts';
import { wholeNumber } from './part.ts';
import { clientFile, UNFINISHED_SUFFIX } from './run-directory.ts';

/** Every column is a whole number that fits 64 bits; null where the machine did not give it. */
const COLUMNS = [
  'time_us',
  'in_flight',
  'due',
  'sent',
  'tokens',
  'lateness_max_us',
  'event_loop_delay_max_us',
  'cpu_us',
  'polling_us',
  'reading_us',
  'core_wait_us',
  'rss_bytes',
  'gc_us',
  'unread_max_us',
] as const satisfies readonly (keyof ClientSample)[];

/** Writes `client.parquet`, under another name until it is complete. */
export function writeClientSamples(dir: string, samples: readonly ClientSample[]): void {
  const writer = new ByteWriter();
  // To memory it is written at once.
  void parquetWrite({
    writer,
    createdBy: 'reprise',
    schema: [
      { name: 'root', num_children: COLUMNS.length },
      ...COLUMNS.map((name) => ({ name, type: 'INT64', repetition_type: 'OPTIONAL' }) as const),
    ],
    columnData: COLUMNS.map((name) => ({ name, data: samples.map((sample) => whole(sample[name])) })),
  });
  const bytes = new Uint8Array(writer.getBytes());
  writeFileSync(clientFile(dir) + UNFINISHED_SUFFIX, bytes);
  renameSync(clientFile(dir) + UNFINISHED_SUFFIX, clientFile(dir));
  noteFile(dir, basename(clientFile(dir)), bytes);
}

function whole(value: number | null): bigint | null {
  return value === null ? null : BigInt(Math.round(value));
}

/** The rows of `client.parquet`; null if there is none, as in virtual time. A UserError names a file that is damaged. */
export async function readClientSamples(dir: string): Promise<readonly ClientSample[] | null> {
  const file = clientFile(dir);
  const wrong = fileProblem(file);
  if (wrong !== null) throw new UserError(wrong);
  if (!existsSync(file)) return null;
  try {
    const rows: Record<string, unknown>[] = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    return rows.map(sampleOf);
  } catch (thrown) {
    throw new UserError(
      `${file}: damaged, or not the samples of a client (${messageOf(thrown)}); restore it, or move it away to do without`,
      { cause: thrown },
    );
  }
}

function sampleOf(row: Readonly<Record<string, unknown>>): ClientSample {
  const number = (name: keyof ClientSample): number => wholeNumber(row[name], name);
  const orNull = (name: keyof ClientSample): number | null => ((row[name] ?? null) === null ? null : number(name));
  return {
    time_us: number('time_us'),
    in_flight: number('in_flight'),
    due: number('due'),
    sent: number('sent'),
    tokens: number('tokens'),
    lateness_max_us: number('lateness_max_us'),
    event_loop_delay_max_us: number('event_loop_delay_max_us'),
    cpu_us: number('cpu_us'),
    polling_us: number('polling_us'),
    reading_us: orNull('reading_us'),
    core_wait_us: orNull('core_wait_us'),
    rss_bytes: orNull('rss_bytes'),
    gc_us: orNull('gc_us'),
    unread_max_us: orNull('unread_max_us'),
  };
}
