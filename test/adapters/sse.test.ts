import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SseReader } from '../../adapters/sse.ts';

function read(pieces: Iterable<Uint8Array>): [data: string, event: string][] {
  const events: [string, string][] = [];
  const reader = new SseReader((data, event) => events.push([data, event]));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return events;
}

function* cut(bytes: Buffer, at: readonly number[]): Generator<Uint8Array> {
  let from = 0;
  for (const to of [...at].sort((a, b) => a - b).concat(bytes.length)) {
    // A copy that is wiped afterwards, as a socket's reused buffer would be.
    const piece = Buffer.from(bytes.subarray(from, to));
    yield piece;
    piece.fill(0);
    from = to;
  }
}

describe('SseReader', () => {
  const cases: [name: string, text: string, events: [string, string][]][] = [
    [
      'plain events',
      'data: a\n\ndata: b\n\n',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    [
      'CRLF',
      'data: a\r\n\r\ndata: b\r\n\r\n',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    [
      'lone CR',
      'data: a\r\rdata: b\r\r',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    ['no space after the colon', 'data:a\n\n', [['a', '']]],
    ['one space only is taken', 'data:  a\n\n', [[' a', '']]],
    ['comments', ': ping\n\ndata: a\n: x\n\n', [['a', '']]],
    ['repeated data lines', 'data: a\ndata: b\ndata:\n\n', [['a\nb\n', '']]],
    [
      'event names',
      'event: note\ndata: a\n\ndata: b\n\n',
      [
        ['a', 'note'],
        ['b', ''],
      ],
    ],
    ['other fields', 'id: 7\nretry: 10\ndatax: no\ndata: a\n\n', [['a', '']]],
    ['byte order mark', '\uFEFFdata: a\n\n', [['a', '']]],
    [
      'last event without its blank line',
      'data: a\n\ndata: b',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    [
      'an end mark with its own line, in time',
      'data: [DONE]\n\ndata: a\n\n',
      [
        ['[DONE]', ''],
        ['a', ''],
      ],
    ],
    ['empty data', 'data\n\n', [['', '']]],
    ['no data', 'event: x\n\n', []],
    ['beyond ASCII', 'data: été 漢字 🚀\n\n', [['été 漢字 🚀', '']]],
  ];
  for (const [name, text, events] of cases) {
    it(`reads ${name}, cut at every byte`, () => {
      const bytes = Buffer.from(text);
      assert.deepEqual(read([bytes]), events);
      for (let i = 0; i <= bytes.length; i++) assert.deepEqual(read(cut(bytes, [i])), events, `cut at ${i}`);
      assert.deepEqual(read(cut(bytes, [...bytes.keys()])), events, 'byte by byte');
    });
  }

  it('reports an end mark before its blank line', () => {
    const events: string[] = [];
    const reader = new SseReader((data) => events.push(data));
    reader.push(Buffer.from('data: a\n\ndata: [DONE]\n'));
    assert.deepEqual(events, ['a', '[DONE]']);
  });

  it('keeps what is no field, and refuses an event without end', () => {
    const reader = new SseReader(() => undefined);
    reader.push(Buffer.from('<p>\nid: 7\n: ping\nretry: 1\ndata: a\n</p>'));
    reader.end();
    assert.equal(reader.stray, '<p>\n</p>\n');
    const endless = new SseReader(() => undefined);
    const line = Buffer.from(`data: ${'x'.repeat(1e6)}\n`);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) endless.push(line);
    }, /longer than/);
    const oneLine = new SseReader(() => undefined);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) oneLine.push(line.subarray(0, -1));
    }, /longer than/);
  });

  it('gives the same events for any bytes, however they are cut', () => {
    const line = fc.constantFrom('data: x', 'data:y', 'data: {"a":"é"}', ': c', 'event: e', '', '', 'data', 'id: 1');
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
      .map((rows) => rows.map((row) => row.join('')).join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (stream, at) => {
        const bytes = Buffer.from(stream);
        assert.deepEqual(
          read(
            cut(
              bytes,
              at.map((i) => i % (bytes.length + 1)),
            ),
          ),
          read([bytes]),
        );
      }),
      { numRuns: 500 },
    );
  });
});
