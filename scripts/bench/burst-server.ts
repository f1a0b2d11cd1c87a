// A server whose every write to a stream holds several events of one token: node burst-server.ts PORT TICK_MS EVENTS.
// Started by client-cost.ts.
import { createServer } from 'node:http';

const [port = 0, tickMs = 20, events = 16] = process.argv.slice(2).map(Number);
const event = (text: string, finish: string): string =>
  `data: {"id":"cmpl-5f1b3a0c2b2f4b6c9a8d7e6f5a4b3c2d","object":"text_completion","created":1763678400,"model":"tiny","choices":[{"index":0,"text":"${text}","logprobs":null,"finish_reason":${finish},"stop_reason":null}]}\n\n`;
const framed = (data: string): string => `${data.length.toString(16)}\r\n${data}\r\n`;
const WRITE = Buffer.from(framed(event(' 0000000000123456789', 'null')).repeat(events));
const LAST = framed(event(' 0000000000123456789', '"length"')) + framed('data: [DONE]\n\n');
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

createServer((request, response) => {
  if (request.method !== 'POST') {
    response.end('{"object":"list","data":[{"id":"tiny","object":"model"}]}');
    return;
  }
  let body = '';
  request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
  request.on('end', () => {
    const { socket } = request;
    let left = Number(/"max_tokens":(\d+)/.exec(body)?.[1] ?? events);
    socket.write(HEAD);
    const timer = setInterval(() => {
      if (left > events) socket.write(WRITE);
      else {
        clearInterval(timer);
        socket.end(`${framed(event(' 0000000000123456789', 'null')).repeat(left - 1)}${LAST}0\r\n\r\n`);
      }
      left -= events;
    }, tickMs);
    socket.on('close', () => clearInterval(timer));
  });
}).listen(port, '127.0.0.1');
