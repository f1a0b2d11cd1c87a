import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvRecords, type CsvRecord } from '../../../workloads/formats/csv-records.ts';
import { timestampToUs, tokenCount, zonedTimestampToUs } from '../../../workloads/formats/fields.ts';

async function recordsOf(chunks: readonly string[]): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const each of csvRecords('some.csv', streamed(chunks))) records.push(...each);
  return records;
}

async function* streamed(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

/** As the library alone reads it, all at once. */
function byLibrary(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  parse(text.replaceAll('\r', '\f'), {
    bom: true,
    on_record(record: string[], { lines }) {
      records.push({ record, line: lines });
      return null;
    },
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  return records;
}

function cut(text: string, at: readonly number[]): string[] {
  const ends = [...at.map((share) => Math.floor(share * text.length)), text.length].toSorted((a, b) => a - b);
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
const cell = fc.stringMatching(/^[ a-c0-9\t.:+-]{0,6}$/);
const quotedCell = fc.stringMatching(/^[ a-c,\n]{0,6}$/).map((text) => `"${text}"`);
const row = fc.oneof(
  { weight: 8, arbitrary: fc.array(cell, { maxLength: 4 }) },
  fc.array(fc.oneof(cell, quotedCell, fc.constant('é'), fc.constant('\u00A0x')), { maxLength: 4 }),
);
const text = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.array(row, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([mark, rows, end, hasEnd]) => mark + rows.map((cells) => cells.join(',')).join(end) + (hasEnd ? end : ''));

describe('records of CSV', () => {
  it('are those of the library and on its lines, wherever the text is cut and quotes begin', async () => {
    await fc.assert(
      fc.asyncProperty(text, cuts, async (whole, at) => {
        assert.deepEqual(await recordsOf(cut(whole, at)), byLibrary(whole));
      }),
      { numRuns: 400 },
    );
  });

  it('a quote that is not closed behind plain rows is an error', async () => {
    await assert.rejects(recordsOf(['1,2\n', '1,"2']), { message: /^some\.csv: not well-formed CSV: Quote/ });
  });
});

describe('a time of a table', () => {
  const date = fc.date({ min: new Date(0), max: new Date('2128-01-01T00:00:00Z'), noInvalidDate: true });
  const micros = fc.integer({ min: 0, max: 999_999 });
  it('is read to the microsecond, with and without its fraction and offset', () => {
    fc.assert(
      fc.property(date, micros, fc.constantFrom(' ', 'T'), fc.integer({ min: -23, max: 23 }), (at, us, mark, hours) => {
        const seconds = Math.floor(at.getTime() / 1000);
        const written = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', mark);
        const fraction = String(us).padStart(6, '0');
        const wanted = seconds * 1e6 + us;
        assert.equal(timestampToUs('t', `${written}.${fraction}`), wanted);
        assert.equal(timestampToUs('t', ` ${written}.${fraction}4999 `), wanted);
        assert.equal(timestampToUs('t', `${written}.${fraction}5`), wanted + 1);
        assert.equal(timestampToUs('t', written), seconds * 1e6);
        const offset = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`;
        for (const zoned of [`${written}.${fraction}${offset}`, `${written}.${fraction}${offset.replace(':00', '')}`])
          if (wanted >= hours * 3600e6) assert.equal(zonedTimestampToUs('t', zoned), wanted - hours * 3600e6, zoned);
        assert.equal(zonedTimestampToUs('t', `${written}Z`), seconds * 1e6);
      }),
    );
  });

  it('with any character of it changed is another time, or none', () => {
    const whole = '2023-11-16 18:15:46.6805900';
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.constantFrom(...'0123456789-: .Tx'), (at, character) => {
        const changed = whole.slice(0, at) + character + whole.slice(at + 1);
        const parsed = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?$/.test(changed.trim())
          ? Date.parse(`${changed.trim().slice(0, 19).replace(' ', 'T')}Z`)
          : Number.NaN;
        const isReal = !Number.isNaN(parsed) && new Date(parsed).getUTCDate() === Number(changed.slice(8, 10));
        if (isReal && parsed >= 0 && parsed < Date.UTC(2128, 0))
          assert.equal(Math.floor(timestampToUs('t', changed) / 1e6), parsed / 1000);
        else assert.throws(() => timestampToUs('t', changed), /expected a time/);
      }),
      { numRuns: 500 },
    );
  });
});

it('a length is digits, maybe with nothing behind a point', () => {
  for (const [written, count] of [
    ['1', 1],
    ['007', 7],
    [' 12 ', 12],
    ['12.0', 12],
    ['12.', 12],
    ['10000000', 10_000_000],
  ] as const)
    assert.equal(tokenCount('n', written), count);
  for (const written of ['', '0', '-1', '1.5', '1e3', '10000001', '9'.repeat(400), 'x1', '1x', '１'])
    assert.throws(() => tokenCount('n', written), /expected a whole number of tokens/, written);
});
