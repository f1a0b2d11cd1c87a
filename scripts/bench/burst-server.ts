// A server whose every write to a stream holds several events of one token: node burst-server.ts PORT TICK_MS EVENTS.
// Streams are spread over the tick. GET /written gives, by request id, when each write of its answer was made, in
// microseconds of CLOCK_MONOTONIC, and /cpu the CPU seconds of the process. Started by client-cost.ts and workers.ts.
import { createServer } from 'node:http';
import type { Socket } from 'node:net';

const [port = 0, tickMs = 20, events = 16] = process.argv.slice(2).map(Number);
const event = (text: string, finish: string): string =>
  `data: {"id":"cmpl-5f1b3a0c2b2f4b6c9a8d7e6f5a4b3c2d","object":"text_completion","created":1763678400,"model":"tiny","choices":[{"index":0,"text":"${text}","logprobs":null,"finish_reason":${finish},"stop_reason":null}]}\n\n`;
const framed = (data: string): string => `${data.length.toString(16)}\r\n${data}\r\n`;
const WRITE = Buffer.from(framed(event(' 0000000000123456789', 'null')).repeat(events));
const LAST = framed(event(' 0000000000123456789', '"length"')) + framed('data: [DONE]\n\n');
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

interface Stream {
  readonly socket: Socket;
  readonly written: number[];
  left: number;
}

/** The streams of each millisecond of a tick. */
const slots = Array.from({ length: tickMs }, () => new Set<Stream>());
const written = new Map<string, number[]>();
const nowUs = (): number => Number(process.hrtime.bigint()) / 1000;
let opened = 0;

function write(stream: Stream, slot: Set<Stream>): void {
  const { socket, left } = stream;
  stream.written.push(nowUs());
  stream.left -= events;
  if (left > events) socket.write(WRITE);
  else {
    slot.delete(stream);
    socket.end(`${framed(event(' 0000000000123456789', 'null')).repeat(left - 1)}${LAST}0\r\n\r\n`);
  }
}

// A timer that is late makes up for it at once.
let step = 0;
const startUs = nowUs();
setInterval(() => {
  for (; startUs + step * 1000 <= nowUs(); step++) {
    const slot = slots[step % tickMs] ?? new Set();
    for (const stream of slot) write(stream, slot);
  }
}, 1);

createServer((request, response) => {
  if (request.url === '/written') {
    response.end(JSON.stringify(Object.fromEntries(written)));
    written.clear();
    return;
  }
  if (request.url === '/cpu') {
    const { user, system } = process.cpuUsage();
    response.end(String((user + system) / 1e6));
    return;
  }
  if (request.method !== 'POST') {
    response.end('{"object":"list","data":[{"id":"tiny","object":"model"}]}');
    return;
  }
  let body = '';
  request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
  request.on('end', () => {
    const { socket } = request;
    const slot = slots[opened++ % tickMs] ?? new Set();
    const left = Number(/"max_tokens":(\d+)/.exec(body)?.[1] ?? events);
    const stream: Stream = { socket, written: [], left };
    written.set(String(request.headers['x-request-id']), stream.written);
    socket.write(HEAD);
    slot.add(stream);
    socket.on('close', () => slot.delete(stream));
  });
}).listen(port, '127.0.0.1');
