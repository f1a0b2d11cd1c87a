import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type ColumnMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { encodeRecords } from '../../src/runs/parquet.ts';
import { readTokenColumn } from '../../src/runs/token-column.ts';
import { exampleRecord } from './example-records.ts';

const bytesOf = (lists: readonly (readonly number[])[]): Uint8Array =>
  new Uint8Array(
    encodeRecords(
      lists.map((times, i) => exampleRecord({ request_id: `r${i}`, token_times_us: Float64Array.from(times) })),
    ),
  );

function columnOf(bytes: Uint8Array): ColumnMetaData {
  const column = parquetMetadata(new Uint8Array(bytes).buffer).row_groups[0]?.columns.find(
    ({ meta_data }) => meta_data?.path_in_schema[0] === 'token_times_us',
  );
  assert.ok(column?.meta_data !== undefined);
  return column.meta_data;
}

function listsOf(bytes: Uint8Array): number[][] | null {
  const found = readTokenColumn(bytes, columnOf(bytes));
  if (found === null) return null;
  return Array.from(found.ends, (end, row) => [...found.times.subarray(row === 0 ? 0 : found.ends[row - 1], end)]);
}

/** Gaps of every width in bits. */
const gap = fc.oneof(fc.nat(3), fc.nat(40_000), fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 46 }));
const times = fc.array(gap, { maxLength: 60 }).map((gaps) => {
  let at = 0;
  return gaps.map((each) => (at += each));
});

test('token times are read as they were written, by this reader', () => {
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 40 }), (lists) => {
      assert.deepEqual(listsOf(bytesOf(lists)), lists);
    }),
    { numRuns: 60 },
  );
});

test('so is a part of many pages', () => {
  const lists = Array.from({ length: 300 }, (_, i) =>
    Array.from({ length: 400 }, (_time, j) => 500_000 + i * 7 + j * 21_003),
  );
  assert.deepEqual(listsOf(bytesOf(lists)), lists);
});

test('what no number of 49 bits is apart is left to the general reader', () => {
  assert.equal(listsOf(bytesOf([[0, Number.MAX_SAFE_INTEGER]])), null);
});

test('of changed bytes it reads what the general reader does, or nothing', async () => {
  const lists = [[5, 9, 9, 40_000], [], [7], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]];
  const bytes = bytesOf(lists);
  const { data_page_offset, total_compressed_size } = columnOf(bytes);
  for (let at = Number(data_page_offset); at < Number(data_page_offset + total_compressed_size); at++)
    for (const bit of [1, 16, 128]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ bit;
      const found = listsOf(changed);
      if (found === null) continue;
      const rows: Record<string, unknown>[] = await parquetReadObjects({
        file: changed.buffer,
        columns: ['token_times_us'],
      }).catch(() => []);
      const general = rows.map(({ token_times_us: list }) => (Array.isArray(list) ? list : [null]));
      if (general.flat().some((time) => typeof time !== 'bigint')) continue;
      if (general.length === lists.length)
        assert.deepEqual(
          found,
          general.map((list) => list.map(Number)),
          `byte ${at}, bit ${bit}`,
        );
    }
});
