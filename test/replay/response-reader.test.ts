import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MalformedResponse, ResponseReader, type ResponseHeaders } from '../../src/replay/response-reader.ts';

interface Read {
  readonly heads: [status: number, headers: ResponseHeaders][];
  body: string;
  ends: number;
  isKeptAlive: boolean;
  /** Bytes behind the response. */
  over: number;
}

/** What is read of bytes that come one by one, or all at once. */
function read(text: string, pieceBytes = text.length): Read {
  const found: Read = { heads: [], body: '', ends: 0, isKeptAlive: false, over: 0 };
  const reader = new ResponseReader({
    onHead: (status, headers) => found.heads.push([status, { ...headers }]),
    onBody: (bytes, from, to) => (found.body += bytes.toString('latin1', from, to)),
    onEnd: () => found.ends++,
  });
  reader.begin();
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const to = Math.min(at + pieceBytes, bytes.length);
    found.over += to - reader.read(bytes, at, to);
  }
  return { ...found, isKeptAlive: reader.isKeptAlive };
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

describe('ResponseReader', () => {
  const both = (text: string): Read => {
    assert.deepEqual(read(text, 1), read(text), 'byte by byte as at once');
    return read(text);
  };

  it('reads chunks of any size, with extensions and trailers, and a length', () => {
    const long = 'y'.repeat(5000);
    const chunks = both(`${CHUNKED}1\r\na\r\n00A;x="1"\r\n0123456789\r\n1388\r\n${long}\r\n0\r\nx-sum: 1\r\n\r\n`);
    assert.deepEqual([chunks.body, chunks.ends, chunks.isKeptAlive], [`a0123456789${long}`, 1, true]);
    const length = both(`${HEAD}content-length: 4\r\n\r\nabcd`);
    assert.deepEqual([length.body, length.ends, length.over], ['abcd', 1, 0]);
    assert.equal(both(`${HEAD}content-length: 0\r\n\r\n`).ends, 1);
  });

  it('reads lengths with any zeros in front, and past line ends before a response', () => {
    const zeros = '0'.repeat(30);
    assert.deepEqual(both(`${CHUNKED}${zeros}2;x\r\nok\r\n${zeros}2\r\nok\r\n${zeros}\r\n\r\n`).body, 'okok');
    assert.deepEqual(both(`\r\n\n\r\n${HEAD}content-length: ${zeros}2\r\n\r\nok`).body, 'ok');
  });

  it('reads past responses that only inform, as 100 Continue', () => {
    const { heads, ends } = both(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nlink: a\r\n\r\n${CHUNKED}0\r\n\r\n`);
    assert.deepEqual([heads.map(([status]) => status), ends], [[100, 103, 200], 1]);
  });

  it('keeps names in lower case and values without their spaces, several of one name joined', () => {
    const { heads } = both(`${HEAD}X-One: \t a b \r\nx-one:c\r\nSet-Cookie: é\r\ncontent-length: 0\r\n\r\n`);
    assert.deepEqual(heads[0]?.[1], { 'x-one': 'a b,c', 'set-cookie': 'é', 'content-length': '0' });
  });

  it('knows when the connection can be used again, and where no body comes', () => {
    const kept = (head: string): boolean => both(`${head}content-length: 0\r\n\r\n`).isKeptAlive;
    assert.deepEqual(
      ['', 'connection: Close\r\n', 'connection: x, close\r\n'].map((more) => kept(HEAD + more)),
      [true, false, false],
    );
    assert.deepEqual(
      ['', 'connection: keep-alive\r\n'].map((more) => kept(`HTTP/1.0 200 OK\r\n${more}`)),
      [false, true],
    );
    for (const status of [204, 304]) {
      const { ends, isKeptAlive } = both(`HTTP/1.1 ${status} \r\ncontent-length: 9\r\n\r\n`);
      assert.deepEqual([ends, isKeptAlive], [1, false]);
    }
  });

  it('reads until the connection ends where no length is given', () => {
    const found = { body: '', ends: 0 };
    const reader = new ResponseReader({
      onHead: () => undefined,
      onBody: (bytes, from, to) => (found.body += bytes.toString('latin1', from, to)),
      onEnd: () => found.ends++,
    });
    reader.begin();
    const bytes = Buffer.from(`${HEAD}\r\nto the end`);
    reader.read(bytes, 0, bytes.length);
    assert.deepEqual(found, { body: 'to the end', ends: 0 });
    assert.equal(reader.end(), true);
    assert.equal(found.ends, 1);
    reader.begin();
    reader.read(Buffer.from(CHUNKED), 0, CHUNKED.length);
    assert.equal(reader.end(), false, 'chunks have an end of their own');
  });

  it('says what follows a response, and reads nothing once it is stopped', () => {
    assert.equal(read(`${HEAD}content-length: 1\r\n\r\naHTTP/1.1 200`).over, 'HTTP/1.1 200'.length);
    const reader = new ResponseReader({
      onHead: () => undefined,
      onBody: () => reader.stop(),
      onEnd: () => assert.fail('it was stopped'),
    });
    reader.begin();
    const bytes = Buffer.from(`${CHUNKED}1\r\na\r\n0\r\n\r\n`);
    assert.ok(reader.read(bytes, 0, bytes.length) < bytes.length);
    assert.equal(reader.end(), false);
  });

  const MALFORMED: Readonly<Record<string, string>> = {
    'another protocol': 'SSH-2.0-nope\r\n',
    'another protocol, without a line': '{"error":1}',
    'a version of its own': 'HTTP/2.0 200 OK\r\n\r\n',
    'a status of two digits': 'HTTP/1.1 20 OK\r\n',
    'lines that end by LF': 'HTTP/1.1 200 OK\n\n',
    'a header without a colon': `${HEAD}nothing\r\n`,
    'a header without a name': `${HEAD}: x\r\n`,
    'a name with a space': `${HEAD}a b: x\r\n`,
    'a folded header': `${HEAD}a: x\r\n folded\r\n`,
    'a control character': `${HEAD}a: \u0001\r\n`,
    'a length that is no number': `${HEAD}content-length: +4\r\n\r\n`,
    'two lengths': `${HEAD}content-length: 4\r\ncontent-length: 4\r\n\r\n`,
    'a length and chunks': `${HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n`,
    'chunks inside of another encoding': `${HEAD}transfer-encoding: chunked, gzip\r\n\r\n`,
    'another protocol from here on': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
    'a chunk without a length': `${CHUNKED}\r\n`,
    'a chunk of a length that is no number': `${CHUNKED}4g\r\n`,
    'a chunk of more bytes than there are': `${CHUNKED}1000000000000\r\n`,
    'a chunk that is longer than it says': `${CHUNKED}1\r\nabc\r\n`,
    'a trailer that is none': `${CHUNKED}0\r\nnothing\r\n`,
    'line ends without end': '\r\n'.repeat(9000),
    'headers without end': `${HEAD}${'a: b\r\n'.repeat(3000)}`,
    'one header without end': `${HEAD}a: ${'b'.repeat(17_000)}`,
    'trailers without end': `${CHUNKED}0\r\n${'a: b\r\n'.repeat(3000)}`,
    'a chunk line without end': `${CHUNKED}4;${'x'.repeat(5000)}`,
  };
  for (const [name, text] of Object.entries(MALFORMED))
    it(`takes ${name} for no HTTP`, () => {
      for (const pieceBytes of [1, text.length]) assert.throws(() => read(text, pieceBytes), MalformedResponse);
    });
});
