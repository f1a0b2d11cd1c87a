import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonObjects } from '../../adapters/json-objects.ts';
import { ProtocolError } from '../../src/core/codec.ts';

interface Read {
  readonly objects: readonly string[];
  readonly strings: readonly number[];
  readonly isInside: boolean;
  readonly stray: string;
}

/** What is read of bytes that are cut at `at`; each piece is wiped when it has been read. */
function read(bytes: Buffer, at: readonly number[] = []): Read {
  const objects: string[] = [];
  const strings: number[] = [];
  const reader = new JsonObjects((object, count) => {
    objects.push(object.toString());
    strings.push(count);
  });
  let from = 0;
  for (const to of [...at].sort((a, b) => a - b).concat(bytes.length)) {
    const piece = Buffer.from(bytes.subarray(from, to));
    reader.push(piece);
    piece.fill(0x7b);
    from = to;
  }
  return { objects, strings, isInside: reader.isInside, stray: reader.stray };
}

const everyByte = (bytes: Buffer): number[] => Array.from(bytes, (_, i) => i);

/** What may end an object too early, or too late: quotes, braces, backslashes, and characters of several bytes. */
const TRICKY = [
  '"',
  '\\',
  '\\\\',
  '{',
  '}',
  '}{',
  '"}',
  '\\"',
  '{"text": "',
  '\n',
  '\0',
  'é',
  '☃',
  '𝄞',
  '\ud834',
  '\\u0022',
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...TRICKY), fc.string({ unit: 'binary' })))
  .map((parts) => parts.join(''));
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const object = fc.dictionary(text, value, { maxKeys: 3 });
/** As JavaScript and as Python write it: with characters as they are, or as escapes. */
const json = fc.tuple(object, fc.boolean(), fc.constantFrom(undefined, 1)).map(([each, isAscii, indent]) => {
  const plain = JSON.stringify(each, null, indent);
  return isAscii
    ? plain.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : plain;
});

describe('JSON objects, one after another', () => {
  it('are those that were written, whatever their texts hold and stands between them, however they are cut', () => {
    const between = fc.constantFrom('', '', ' ', '\n\n', '\0', '\r\n\t');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(json, between), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (written, at) => {
          const bytes = Buffer.from(written.flat().join(''));
          const whole = read(bytes);
          assert.deepEqual([whole.objects, whole.isInside, whole.stray], [written.map(([each]) => each), false, '']);
          assert.deepEqual(
            read(
              bytes,
              at.map((i) => i % (bytes.length + 1)),
            ),
            whole,
          );
          assert.deepEqual(read(bytes, everyByte(bytes)), whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are told with the number of their strings', () => {
    fc.assert(
      fc.property(text, text, (key, each) => {
        const bytes = Buffer.from(JSON.stringify({ [key]: each, more: [1, { a: each }] }) + '{"b": 2}');
        assert.deepEqual(read(bytes, everyByte(bytes)).strings, [5, 1]);
      }),
    );
  });

  it('that have not ended are known, and what is none ends the reading', () => {
    const cut = read(Buffer.from('{"a": 1}{"b": "}'));
    assert.deepEqual([cut.objects, cut.isInside, cut.stray], [['{"a": 1}'], true, '']);
    for (const stray of ['<html>{"c": 2}', '}', '[{"a": 1}]', 'data: {"a": 1}', '🤷', '"{"']) {
      const bytes = Buffer.from(`{"a": 1} ${stray}`);
      for (const at of [[], everyByte(bytes)]) {
        const found = read(bytes, at);
        assert.deepEqual([found.objects, found.stray, found.isInside], [['{"a": 1}'], stray, false], stray);
      }
    }
    const long = Buffer.from('x'.repeat(1000));
    assert.deepEqual([read(long).stray, read(long, everyByte(long)).stray], ['x'.repeat(200), 'x'.repeat(200)]);
  });

  it('without an end are not kept for ever', () => {
    const reader = new JsonObjects(() => undefined);
    const piece = Buffer.alloc(2 ** 20, 0x7b);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) reader.push(piece);
    }, ProtocolError);
  });
});
