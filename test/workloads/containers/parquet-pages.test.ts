import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

type Field = readonly [id: number, type: number, bytes: readonly number[]];
const whole = (id: number, value: number): Field => [id, 6, varint(2 * value)];
const int = (id: number, value: number): Field => [id, 5, varint(2 * value)];
const text = (id: number, value: string): Field => [id, 8, [...varint(value.length), ...Buffer.from(value)]];
const inner = (id: number, fields: readonly Field[]): Field => [id, 12, struct(fields)];
const list = (id: number, type: number, items: readonly (readonly number[])[]): Field => [
  id,
  9,
  [items.length * 16 + type, ...items.flat()],
];

/** In Thrift's compact protocol; fields ascend. */
function struct(fields: readonly Field[]): number[] {
  return [...fields.flatMap(([id, type, bytes], i) => [(id - (fields[i - 1]?.[0] ?? 0)) * 16 + type, ...bytes]), 0];
}

/** What a file of three columns, each of one value again and again, says of itself. */
interface Said {
  /** In the footer, and in the header of the one page of each column. */
  readonly rows: number;
  readonly values: number;
  readonly unpackedBytes?: number;
}

function parquet({ rows, values, unpackedBytes }: Said): Buffer {
  const names = ['timestamp', 'input_length', 'output_length'];
  let bytes = [...Buffer.from('PAR1')];
  const columns = names.map((name) => {
    const dictionaryAt = bytes.length;
    bytes.push(...struct([int(1, 2), int(2, 8), int(3, 8), inner(7, [int(1, 1), int(2, 0)])]), 8, 0, 0, 0, 0, 0, 0, 0);
    const dataAt = bytes.length;
    const run = [1, ...varint(2 * values), 0];
    const header = [int(1, 0), int(2, unpackedBytes ?? run.length), int(3, run.length)];
    bytes.push(...struct([...header, inner(5, [int(1, values), int(2, 8), int(3, 3), int(4, 3)])]), ...run);
    const types = list(2, 5, [varint(0), varint(16)]);
    const path = list(3, 8, [[...varint(name.length), ...Buffer.from(name)]]);
    const length = bytes.length - dictionaryAt;
    return struct([
      whole(2, dictionaryAt),
      inner(3, [
        int(1, 2),
        types,
        path,
        int(4, 0),
        whole(5, rows),
        whole(6, 100),
        whole(7, length),
        whole(9, dataAt),
        whole(11, dictionaryAt),
      ]),
    ]);
  });
  const root = struct([text(4, 'root'), int(5, names.length)]);
  const schema = [root, ...names.map((name) => struct([int(1, 2), int(3, 0), text(4, name)]))];
  const group = struct([list(1, 12, columns), whole(2, 100), whole(3, rows)]);
  const footer = struct([int(1, 1), list(2, 12, schema), whole(3, rows), list(4, 12, [group])]);
  bytes = [...bytes, ...footer];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from(bytes), length, Buffer.from('PAR1')]);
}

async function rowsOf(said: Said): Promise<number> {
  const opened = await openSource(file('said.parquet', parquet(said)), { onBadRow: 'fail' });
  return (await requestsOf(opened.open())).length;
}

describe('room is made for what a Parquet file holds, not for what it says', () => {
  it('of three rows', async () => assert.equal(await rowsOf({ rows: 3, values: 3 }), 3));

  const lying: [what: string, said: Said, names: RegExp][] = [
    ['a page of more values than the footer says', { rows: 3, values: 1e9 }, /parquet_damaged: .*1000000000 values, and/],
    ['a page of fewer', { rows: 5, values: 4 }, /parquet_damaged: .*4 values, and says 5/],
    ['a group that unpacks to a thousand million values', { rows: 1e9, values: 1e9 }, /row_too_long: .*values, expected/],
    ['a group of rows without values', { rows: 1e15, values: 3 }, /row_too_long: .*values, expected/],
    ['pages that unpack to gigabytes', { rows: 3, values: 3, unpackedBytes: 2 ** 30 }, /row_too_long: .*MiB, expected/],
  ];
  for (const [what, said, names] of lying)
    it(`not ${what}`, async () => {
      await assert.rejects(rowsOf(said), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.match(thrown.message, names);
        return true;
      });
    });
});
