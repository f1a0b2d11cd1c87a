import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { type ColumnType, RECORD_COLUMNS, type RequestRecord } from '../../src/core/record.ts';
import { encodeRecords } from '../../src/runs/parquet.ts';
import { decodeIds, decodePart } from '../../src/runs/part.ts';
import { appendRecords } from '../../src/runs/records.ts';
import { anyBatch, exampleRecord } from './example-records.ts';
import { batches, temporaryRun } from './temporary-run.ts';

const decodeRecords = async (bytes: Uint8Array): Promise<RequestRecord[]> => {
  const { ids, record } = await decodePart(bytes);
  return ids.map((_, row) => record(row));
};

test('records come back from Parquet as they went in', async () => {
  await fc.assert(
    fc.asyncProperty(anyBatch(30), async (records) => {
      const bytes = encodeRecords(records);
      assert.deepEqual(await decodeRecords(bytes), records);
      assert.deepEqual(await decodeIds(bytes), { ids: records.map((record) => record.request_id) });
    }),
    { numRuns: 60 },
  );
});

test('token lists may be empty, hold equal times, and times above 2^32 us', async () => {
  const lists = [[], [0], [5, 5, 5], [1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER], []];
  const records = lists.map((times, i) =>
    exampleRecord({ request_id: `r${i}`, token_times_us: Float64Array.from(times) }),
  );
  const back = await decodeRecords(encodeRecords(records));
  assert.deepEqual(
    back.map((record) => [...record.token_times_us]),
    lists,
  );
});

test('a token time that is no whole microsecond is a fault of ours and is not rounded away', () => {
  assert.throws(() => encodeRecords([exampleRecord({ token_times_us: Float64Array.of(1.5) })]), RangeError);
});

test('token times take at most 4 bytes each', () => {
  const records = Array.from({ length: 400 }, (_, i) => {
    let time = 100_000 + ((i * 7919) % 400_000);
    const times = Float64Array.from(
      { length: 250 },
      (_gap, j) => (time += 20_000 + ((i * 104_729 + j * 7919) % 15_000)),
    );
    return exampleRecord({ request_id: `r${i}`, token_times_us: times });
  });
  const bytesPerToken = encodeRecords(records).length / (400 * 250);
  assert.ok(bytesPerToken < 4, `${bytesPerToken} bytes a token`);
});

test('parts of older runs are read: their last columns are missing, or called otherwise; no other may be', async (t) => {
  const dir = temporaryRun(t);
  const record = exampleRecord({
    client_stalled: true,
    hidden_tokens: 4,
    output_tokens_reported: 7,
    held_us: 5e9,
    handover_us: 9,
  });
  await appendRecords(dir, batches([record]));
  const connection = await (await DuckDBInstance.create()).connect();
  t.after(() => connection.closeSync());
  const copied = async (columns: string): Promise<Uint8Array> => {
    const file = join(dir, 'copy.parquet');
    await connection.run(`copy (select ${columns} from '${dir}/requests/*.parquet') to '${file}'`);
    return readFile(file);
  };
  const ofHandover = { prefill_call_us: null, handover_us: null, first_decode_us: null, planned_us: null };
  const newer = {
    hidden_tokens: null,
    output_tokens_reported: null,
    lumped_tokens: null,
    held_us: null,
    ...ofHandover,
  };
  const before0_3 = { ...record, ...newer };
  const exclude = (...columns: string[]): string => `* exclude (${columns.join()})`;
  const added = Object.keys(newer);
  assert.deepEqual(await decodeRecords(await copied('*')), [record]);
  assert.deepEqual(await decodeRecords(await copied(exclude(...added))), [before0_3]);
  assert.deepEqual(await decodeRecords(await copied(`${exclude(...added)} rename (client_stalled as touched)`)), [
    before0_3,
  ]);
  assert.deepEqual(await decodeRecords(await copied(exclude('client_stalled', ...added))), [
    { ...before0_3, client_stalled: null },
  ]);
  await assert.rejects(copied(exclude('worker')).then(decodeRecords), /column "client_stalled" .* where "worker"/);
  await assert.rejects(
    copied(`${exclude('client_stalled', ...added)}, 1::bigint as touched`).then(decodeRecords),
    /column "touched" of type INT64 where "client_stalled" of type BOOLEAN/,
  );
});

test('DuckDB reads the parts as they are, with the promised types', async (t) => {
  const dir = temporaryRun(t);
  const records = Array.from({ length: 5000 }, (_, i) =>
    exampleRecord({
      request_id: `r${i}`,
      token_times_us: Float64Array.from({ length: i % 4 }, (_time, j) => j * 1000),
    }),
  );
  await appendRecords(dir, batches(records));
  const parts = `'${join(dir, 'requests', '*.parquet')}'`;
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  t.after(() => connection.closeSync());

  const totals = await connection.runAndReadAll(
    `select count(*)::int n, sum(len(token_times_us))::int tokens, count(distinct filename)::int files, max(token_times_us[3])::int t from read_parquet(${parts}, filename = true)`,
  );
  assert.deepEqual(totals.getRowObjects(), [{ n: 5000, tokens: 7500, files: 2, t: 2000 }]);

  const names: Record<ColumnType, string> = {
    string: 'VARCHAR',
    int32: 'INTEGER',
    int64: 'BIGINT',
    bool: 'BOOLEAN',
    int64_list: 'BIGINT[]',
  };
  const described = await connection.runAndReadAll(`describe select * from ${parts}`);
  assert.deepEqual(
    described.getRowObjects().map((row) => [row['column_name'], row['column_type']]),
    Object.entries(RECORD_COLUMNS).map(([name, [type]]) => [name, names[type]]),
  );

  const schema = await connection.runAndReadAll(
    `select distinct name, repetition_type from parquet_schema(${parts}) where name in ('request_id', 'error', 'list', 'element')`,
  );
  assert.deepEqual(
    new Map(schema.getRows().map(([name, repetition]) => [name, repetition])),
    new Map([
      ['request_id', 'REQUIRED'],
      ['error', 'OPTIONAL'],
      ['list', 'REPEATED'],
      ['element', 'REQUIRED'],
    ]),
  );
});
