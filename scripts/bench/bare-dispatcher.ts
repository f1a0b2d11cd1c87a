// The reference of lateness.ts: sends what a run would send, by plain sockets, and does nothing else: no trace, no tokens,
// no records. It polls all the time. node bare-dispatcher.ts PORT REQUESTS_PER_S SECONDS TOKENS
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { quantile } from './ticks.ts';

const number = z.coerce.number();
const [port, ratePerS, seconds, tokens] = z.tuple([number, number, number, number]).parse(process.argv.slice(2));

/** As long as that of a run: with 16 tokens of prompt. */
const body = JSON.stringify({
  model: 'tiny',
  prompt: 'x'.repeat(120),
  max_tokens: tokens,
  min_tokens: tokens,
  ignore_eos: true,
  temperature: 0,
  stream: true,
  stream_options: { include_usage: true },
});
const REQUEST = Buffer.from(
  `POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: keep-alive\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const buffer = Buffer.allocUnsafeSlow(65_536);
const idle: Socket[] = [];
const count = ratePerS * seconds;
const lateUs = new Float64Array(count);
let [sent, ended] = [0, 0];

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer,
      callback: (length: number): boolean => {
        if (buffer.subarray(length - LAST_CHUNK.length, length).equals(LAST_CHUNK)) {
          idle.push(socket);
          ended++;
        }
        return true;
      },
    };
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => resolve(socket));
    socket.on('error', reject);
  });
}

for (let i = 0; i < Math.min(4096, Math.ceil(ratePerS / 4) + 8); i++) idle.push(await open());
const nowUs = (): number => performance.now() * 1000;
const zeroUs = nowUs() + 100_000;
const cpu = process.cpuUsage();

function poll(): void {
  for (let dueUs; (dueUs = zeroUs + (sent * 1e6) / ratePerS) <= nowUs() && sent < count;) {
    const socket = idle.shift();
    if (socket === undefined) break;
    socket.write(REQUEST);
    lateUs[sent++] = nowUs() - dueUs;
  }
  if (ended < count) setImmediate(poll);
  else over();
}

function over(): void {
  const { user, system } = process.cpuUsage(cpu);
  const sorted = [...lateUs].sort((a, b) => a - b);
  const at = (q: number): number => quantile(sorted, q) / 1000;
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), max: at(1), cpu_s: (user + system) / 1e6 }));
  process.exit();
}
poll();
