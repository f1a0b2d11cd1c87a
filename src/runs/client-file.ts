import { writeFileSync, renameSync } from 'node:fs';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import type { ClientSample } from '../schema/client-sample.ts';
import { clientFile, UNFINISHED_SUFFIX } from './run-directory.ts';

/** Every column is a whole number that fits 64 bits, or null where it could not be had. */
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
  'core_wait_us',
  'rss_bytes',
] as const satisfies readonly (keyof ClientSample)[];

/** Writes `client.parquet`, aside and then renamed. */
export function writeClientSamples(dir: string, samples: readonly ClientSample[]): void {
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    createdBy: 'reprise',
    schema: [
      { name: 'root', num_children: COLUMNS.length },
      ...COLUMNS.map((name) => ({ name, type: 'INT64', repetition_type: 'OPTIONAL' }) as const),
    ],
    columnData: COLUMNS.map((name) => ({ name, data: samples.map((sample) => whole(sample[name])) })),
  });
  writeFileSync(clientFile(dir) + UNFINISHED_SUFFIX, writer.getBytes());
  renameSync(clientFile(dir) + UNFINISHED_SUFFIX, clientFile(dir));
}

function whole(value: number | null): bigint | null {
  return value === null ? null : BigInt(Math.round(value));
}
