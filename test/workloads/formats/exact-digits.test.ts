import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { withExactDigits } from '../../../workloads/formats/exact-digits.ts';
import { lines, reader } from './reading.ts';

const read = reader();
const BEYOND = { min: 2n ** 53n, max: 2n ** 64n };

it('whole numbers beyond 2^53 at a path are texts of their digits; all else is as JSON has it', () => {
  const ids = fc.bigInt(BEYOND).map(String);
  const texts = fc.string().map((text) => JSON.stringify(`${text}"9007199254740993\\`));
  fc.assert(
    fc.property(ids, ids, ids, texts, (id, session, other, text) => {
      const row = `{"t":1.5,"text":${text},"id": ${id} ,"list":[${other},{"id":${other}}],"meta":{"s":-${session},"o":${other}}}`;
      const {
        id: foundId,
        meta,
        ...rest
      } = Object(withExactDigits(JSON.parse(row), row, new Set(['id', 'meta.s', 'no'])));
      const { id: _, meta: metaNumbers, ...same } = JSON.parse(row);
      assert.deepEqual({ id: foundId, meta }, { id, meta: { ...metaNumbers, s: `-${session}` } });
      assert.deepEqual(rest, same);
    }),
  );
});

it('ids of 64 bits as numbers stay apart, in formats with ids and by a map', async () => {
  const digits = ['12345678901234567', '12345678901234568', '12345678901234567'];
  const rows = (row: object): string =>
    digits.map((id, i) => lines(row).replaceAll('"ID"', id).replace('"T"', String(i))).join('');
  const texts: [text: string, map: string | undefined][] = [
    [rows({ session_id: 'ID', timestamp: 'T', input_length: 9, output_length: 1 }), undefined],
    [rows({ m: { s: 'ID' }, t: 'T', i: 9, o: 1 }), 'arrival=t:s,input=i,output=o,session=m.s'],
  ];
  for (const [text, map] of texts) {
    const { requests, bad } = await read(text, { map });
    assert.deepEqual(bad, []);
    assert.deepEqual(
      requests.map(({ session }) => session),
      digits,
    );
  }
});
