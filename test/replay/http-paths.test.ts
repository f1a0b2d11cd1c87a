import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as afterPoll } from 'node:timers/promises';
import fc from 'fast-check';
import { CallHandler, type BrokenAt } from '../../src/replay/call-handler.ts';
import { isNoHttp } from '../../src/replay/exchange.ts';
import type { HttpClient } from '../../src/replay/http-client.ts';
import { PlainConnection, plainHttp } from '../../src/replay/plain-client.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { ReceiveQueue, type UnreadStream } from '../../src/replay/receive-queue.ts';
import { Inbox } from '../../src/replay/stamped-socket.ts';
import { type HttpPath } from '../../src/replay/transport.ts';
import { undiciHttp } from '../../src/replay/undici-client.ts';

const URL_OF = new URL('http://127.0.0.1:1');

/** What a call is told of its response. */
interface Told {
  readonly heads: number[];
  /** Of an answer. */
  body: string;
  /** How it ended; null: it goes on. */
  end: string | null;
}

/** A client on a socket that is none. */
function connected(path: HttpPath): { client: HttpClient; socket: Socket; stream: UnreadStream; queue: ReceiveQueue } {
  const queue = new ReceiveQueue(new WallClock());
  const socket = Object.assign(new Socket(), { write: () => true });
  if (path === 'plain') {
    const stream = new PlainConnection(queue).attach(socket);
    return { client: plainHttp(URL_OF, queue).client((callback) => callback(null, stream)), socket, stream, queue };
  }
  const stream = new Inbox(queue).attach(socket);
  const open = (callback: (error: null, opened: Inbox) => void): void => queueMicrotask(() => callback(null, stream));
  return { client: undiciHttp(URL_OF, queue, false).client(open), socket, stream, queue };
}

/** What a call is told of a response that comes in pieces, behind which the connection stays open, ends or is reset. */
async function told(path: HttpPath, pieces: readonly Buffer[], then: 'open' | 'end' | 'reset'): Promise<Told> {
  const { client, socket, stream, queue } = connected(path);
  const all: Told = { heads: [], body: '', end: null };
  const end = (how: string): void => {
    assert.equal(all.end, null, `${how} behind ${all.end}`);
    all.end = how;
  };
  const sent = Promise.withResolvers<void>();
  const broken = (error: Error, at: BrokenAt): string => (isNoHttp(error, at) ? 'no HTTP' : `broken: ${at}`);
  const call = { id: 0, role: 'stream', endpoint: 0, path: '/', headers: {}, body: Buffer.from('{}') } as const;
  const handler = new CallHandler(
    {
      onSent: () => sent.resolve(),
      onHead: (_call, status) => void all.heads.push(status),
      onStream: (bytes, from, to) => {
        all.body += bytes.toString('latin1', from, to);
        return false;
      },
      onStreamEnd: () => end('whole'),
      onReply: () => end('a reply'),
      onErrorStatus: (_call, status, body) => end(`${status}: ${body}`),
      onBroken: (_call, error, at) => end(broken(error, at)),
      onUnsent: () => undefined,
      onThrown: (_call, thrown) => {
        throw thrown;
      },
    },
    call,
  );
  client.dispatch({ method: 'POST', path: '/', headers: {}, body: call.body }, handler);
  await sent.promise;
  for (const piece of pieces) {
    queue.add(stream, piece, piece.length);
    queue.readAll();
    if (all.end !== null) break;
  }
  await afterPoll();
  if (then === 'end' && !socket.destroyed) socket.emit('end');
  if (then === 'reset') socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  await afterPoll();
  await afterPoll();
  const known = { ...all };
  await client.destroy();
  return known;
}

function cutAt(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((i) => i % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return cuts
    .slice(1)
    .map((to, i) => bytes.subarray(cuts[i], to))
    .filter((piece) => piece.length > 0);
}

const chunked = (body: string, extension = ''): string => `${body.length.toString(16)}${extension}\r\n${body}\r\n`;
const HEADERS = [
  'content-type: text/event-stream',
  'Connection: close',
  'connection: keep-alive',
  'x-odd:   spaces  ',
  'x-empty:',
  'x-Latin: \u00e9',
  'keep-alive: timeout=5',
];
const ODD_HEADERS = [
  'no colon',
  'spaced name: x',
  ': no name',
  'x: \u0001',
  ' folded',
  'content-length: -1',
  'content-length: 1',
  'x\u007f: y',
];
const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 200 ',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 503 No room \u00e9',
];
const ODD_STATUS_LINES = [
  'HTTP/1.1 20 OK',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1  200 OK',
  'SSH-2.0-x',
  'HTTQ/1.1 200 OK',
  '{"a":1}',
];

const text = fc.constantFrom('', 'data: {"a":1}\n\n', 'x', '\r\n', '0\r\n\r\n', 'y'.repeat(300));

/** Responses of any form; with `odd` also such that are none. */
function responses(odd: number): fc.Arbitrary<Buffer> {
  const mostly = <T>(usual: readonly T[], faulty: readonly T[]): fc.Arbitrary<T> =>
    fc.oneof(
      { arbitrary: fc.constantFrom(...usual), weight: 9 },
      { arbitrary: fc.constantFrom(...faulty), weight: odd },
    );
  const chunk = fc.tuple(
    text.filter((each) => each !== ''),
    mostly(['', ';a=b', ';a="b"'], [' ;a', ';\u0001']),
  );
  const last = mostly(
    ['0\r\n\r\n', '0\r\nx-sum: 1\r\n\r\n', '000\r\n\r\n', ''],
    ['g\r\n', '\r\n', '3\r\nabcd\r\n', '5x\r\n'],
  );
  const framed = fc.oneof(
    fc
      .tuple(fc.array(chunk, { maxLength: 4 }), last)
      .map(([chunks, end]) => [
        'transfer-encoding: chunked',
        chunks.map(([of, extension]) => chunked(of, extension)).join('') + end,
      ]),
    text.map((of) => ['transfer-encoding: chunked', `${'0'.repeat(20)}${chunked(`${of}.`)}0\r\n\r\n`]),
    text.map((of) => [`content-length: ${'0'.repeat(20)}${of.length}`, of]),
    // A length, which may not be that of the body.
    fc
      .tuple(text, fc.integer({ min: -1, max: 1 }))
      .map(([of, more]) => [`content-length: ${Math.max(0, of.length + more)}`, of]),
    text.map((of) => ['x-body: until the end', of]),
    text.map((of) => ['transfer-encoding: gzip', of]),
    ...(odd > 0 ? [text.map((of) => ['transfer-encoding: chunked\r\ncontent-length: 5', of])] : []),
  );
  return fc
    .tuple(
      mostly(['', '\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'], ['HTTP/1.1 102 \r\n\r\n']),
      mostly(STATUS_LINES, ODD_STATUS_LINES),
      fc.array(mostly(HEADERS, ODD_HEADERS), { maxLength: 3 }),
      framed,
    )
    .map(([before, status, headers, [framing = '', body = '']]) =>
      Buffer.from(`${before}${[status, ...headers, framing].join('\r\n')}\r\n\r\n${body}`, 'latin1'),
    );
}
const ends = fc.constantFrom<'open' | 'end' | 'reset'>('open', 'end', 'reset');

describe('a response over either client', () => {
  it('is the same, whole or broken off', async () => {
    await fc.assert(
      fc.asyncProperty(responses(0), fc.option(fc.nat(400)), ends, async (bytes, length, then) => {
        const came = [bytes.subarray(0, length ?? bytes.length)].filter((piece) => piece.length > 0);
        assert.deepEqual(await told('plain', came, then), await told('undici', came, then));
      }),
      { numRuns: 40 },
    );
  });

  it('is the same where it is none', async () => {
    await fc.assert(
      fc.asyncProperty(responses(2), ends, async (bytes, then) => {
        assert.deepEqual(await told('plain', [bytes], then), await told('undici', [bytes], then));
      }),
      { numRuns: 40 },
    );
  });

  it('is the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(responses(1), fc.array(fc.nat(1000), { maxLength: 8 }), ends, async (bytes, at, then) => {
        assert.deepEqual(await told('plain', cutAt(bytes, at), then), await told('plain', [bytes], then));
      }),
      { numRuns: 40 },
    );
  });
});
