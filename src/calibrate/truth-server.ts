// A server that tells the truth, in a process of its own: each event has one token, whose text is the instant at which it
// was written, in nanoseconds of CLOCK_MONOTONIC, and the instants of all tokens are told afterwards. It is cheap, because
// it shares the machine with the client that it judges: events are prebuilt, HTTP is read as far as needed, and all streams
// that are due in the same millisecond are written in one go. Started by `server-process.ts`, and ends with its parent.
import { createServer, type Socket } from 'node:net';
import { serverOrder, type ServerAnswer } from './messages.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const DIGITS = 19;
const EVENT_HEAD =
  'data: {"id":"cmpl-5f1b3a0c2b2f4b6c9a8d7e6f5a4b3c2d","object":"text_completion","created":1763678400,"model":"truth","choices":[{"index":0,"text":" ';
const eventTail = (finish: string): string =>
  `","logprobs":null,"finish_reason":${finish},"stop_reason":null}],"usage":null}\n\n`;
const chunk = (data: string): string => `${data.length.toString(16)}\r\n${data}\r\n`;
const eventOf = (finish: string): Buffer =>
  Buffer.from(chunk(`${EVENT_HEAD}${'0'.repeat(DIGITS)}${eventTail(finish)}`), 'latin1');
const EVENT = eventOf('null');
const LAST = Buffer.concat([eventOf('"length"'), Buffer.from(`${chunk('data: [DONE]\n\n')}0\r\n\r\n`, 'latin1')]);
const [DIGITS_AT, LAST_DIGITS_AT] = [EVENT, LAST].map((event) => event.indexOf('0'.repeat(DIGITS), 'latin1'));
const MODELS = '{"object":"list","data":[{"id":"truth","object":"model"}]}';

interface Stream {
  readonly socket: Socket;
  /** Microseconds of CLOCK_MONOTONIC, a token each. */
  readonly writtenUs: Float64Array;
  written: number;
}

/** Slots of a millisecond: longer than any period. */
const SLOTS = 4096;
const wheel: Stream[][] = Array.from({ length: SLOTS }, () => []);
let periodMs = 20;
let streams = new Map<string, Stream>();

const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
/** The last slot whose streams were written. */
let slot = nowMs();

function write(stream: Stream): void {
  const { socket, writtenUs } = stream;
  const isLast = stream.written === writtenUs.length - 1;
  const [of, at = 0] = isLast ? [LAST, LAST_DIGITS_AT] : [EVENT, DIGITS_AT];
  const bytes = Buffer.allocUnsafe(of.length);
  of.copy(bytes);
  const ns = process.hrtime.bigint();
  bytes.write(ns.toString().padStart(DIGITS, '0'), at, 'latin1');
  socket.write(bytes);
  writtenUs[stream.written++] = Number(ns) / 1000;
}

function tick(): void {
  for (const now = nowMs(); slot < now;) {
    slot++;
    const due = wheel[slot % SLOTS] ?? [];
    wheel[slot % SLOTS] = [];
    const next = wheel[(slot + periodMs) % SLOTS];
    for (const stream of due) {
      if (stream.socket.destroyed) continue;
      write(stream);
      if (stream.written < stream.writtenUs.length) next?.push(stream);
    }
  }
  setTimeout(tick, 1);
}

/** Begins a stream for a whole request; its first token is due in the next millisecond. */
function answer(socket: Socket, head: string, body: string): void {
  if (!head.startsWith('POST ')) {
    const page = head.startsWith('GET /v1/models') ? MODELS : '{}';
    const status = page === MODELS ? '200 OK' : '404 Not Found';
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${page.length}\r\n\r\n${page}`,
    );
    return;
  }
  const tokens = Number(/"max_tokens": ?(\d+)/.exec(body)?.[1] ?? 1);
  const id = /^x-request-id: *(\S+)/im.exec(head)?.[1] ?? '';
  const stream = { socket, writtenUs: new Float64Array(tokens), written: 0 };
  streams.set(id, stream);
  socket.write(HEAD);
  wheel[(Math.max(slot, nowMs()) + 1) % SLOTS]?.push(stream);
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const whole = end + 4 + length;
      if (text.length < whole) return;
      const body = text.slice(end + 4, whole);
      text = text.slice(whole);
      answer(socket, head, body);
    }
  });
});

/** A parent that is gone needs no answer. */
const tell = (told: ServerAnswer): void => void process.send?.(told, undefined, undefined, () => undefined);

process.on('message', (message) => {
  const order = serverOrder.parse(message);
  if (order.kind === 'begin') {
    ({ periodMs } = order);
    streams = new Map();
    tell({ kind: 'begun' });
    return;
  }
  const all = [...streams];
  const writtenUs = new Float64Array(all.reduce((sum, [, { written }]) => sum + written, 0));
  let at = 0;
  for (const [, stream] of all) {
    writtenUs.set(stream.writtenUs.subarray(0, stream.written), at);
    at += stream.written;
  }
  tell({ kind: 'truth', ids: all.map(([id]) => id), counts: all.map(([, { written }]) => written), writtenUs });
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group: the parent ends this process when it is done.
process.on('SIGINT', () => undefined);

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') tell({ kind: 'listening', port: address.port });
});
tick();
