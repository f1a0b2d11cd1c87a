import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openAiCodec } from '../../adapters/openai.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { scheduledByTrace, traceOrder } from '../../src/core/schedule.ts';
import type { ScheduledRequest } from '../../src/core/target.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import { HTTP_PATHS, HttpTarget, type HttpPath } from '../../src/replay/transport.ts';
import { promptMaker } from '../../workloads/index.ts';

// The client's thread stands still here; its server, in another thread, goes on.

const TIMEOUT_MS = 300;
/** The server has written an answer so long after its request, well before the timeout. */
const ANSWER_MS = 150;
const REQUESTS = 200;
const TOKENS = 200;

/** Answers with a whole stream at once; `/silent/...` never. */
const SERVER = `
const { parentPort } = require('node:worker_threads');
const event = 'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\\n\\n';
const last = 'data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}]}\\n\\ndata: [DONE]\\n\\n';
require('node:http').createServer((request, response) => {
  request.resume();
  if (request.url.startsWith('/silent')) return;
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(event.repeat(${TOKENS - 1}) + last);
  }, ${ANSWER_MS});
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

let server: Worker;
let port = 0;
before(async () => {
  server = new Worker(SERVER, { eval: true });
  [port] = (await once(server, 'message')) as [number];
});
after(() => server.terminate());

interface Ended {
  readonly records: readonly RequestRecord[];
  readonly zeroUs: number;
}

/** Requests at one instant; the client stands still from and to these times after it, in ms, again and again. */
async function run(
  path: HttpPath,
  at: string,
  stalls: readonly (readonly [fromMs: number, toMs: number])[],
  interruptMs: number | null = null,
): Promise<Ended> {
  const codec = openAiCodec(
    { endpoint: 'completions', model: 'm', runId: 'run' },
    promptMaker({ seed: 1, blockTokens: null }),
  );
  const clock = new WallClock();
  const url = new URL(`http://127.0.0.1:${port}${at}`);
  const target = new HttpTarget(codec, clock, [{ url, headers: {}, insecure: false }], { path });
  const records: RequestRecord[] = [];
  const recorder = new Recorder(
    { sent: () => undefined, finished: (batch) => void records.push(...batch) },
    { target: 'test', window: null, worker: 0 },
  );
  await target.open(REQUESTS);
  const dueUs = clock.read() + 20_000;
  async function* feed(): AsyncGenerator<ScheduledRequest[]> {
    yield Array.from({ length: REQUESTS }, (_, i) => {
      const request = { id: `r${i}`, traceRow: i + 2, dueUs, inputTokens: 1, outputTokens: TOKENS };
      return scheduledByTrace(i, request, codec.open(request));
    });
  }
  const stop = new AbortController();
  for (const [fromMs, toMs] of stalls)
    clock.at(dueUs + fromMs * 1000, () => {
      const untilUs = dueUs + toMs * 1000;
      while (clock.read() < untilUs);
    });
  if (interruptMs !== null) clock.at(dueUs + interruptMs * 1000, () => stop.abort(new Error('interrupted')));
  const timeoutUs = interruptMs === null ? TIMEOUT_MS * 1000 : 60e6;
  const options = { timeoutUs, ttftTimeoutUs: timeoutUs, stop: stop.signal, cut: new AbortController().signal };
  await replay(traceOrder(feed()), target, clock, recorder, {
    ...options,
    graceUs: (TIMEOUT_MS - (interruptMs ?? 0)) * 1000,
  });
  await target.close();
  return { records, zeroUs: dueUs };
}

const outcomes = ({ records }: Ended): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const { outcome } of records) found[outcome] = (found[outcome] ?? 0) + 1;
  return found;
};

for (const path of HTTP_PATHS)
  describe(`a client that stands still, ${path}`, () => {
    for (const toMs of [TIMEOUT_MS - 5, TIMEOUT_MS + 1, TIMEOUT_MS + 10, TIMEOUT_MS + 18, TIMEOUT_MS + 400])
      it(`until ${toMs} ms does not time out answers that came at ${ANSWER_MS} ms, of a timeout of ${TIMEOUT_MS}`, async () => {
        assert.deepEqual(outcomes(await run(path, '', [[50, toMs]])), { ok: REQUESTS });
      });

    it('again and again still times out a server that is silent', async () => {
      const stalls = Array.from({ length: 20 }, (_, i) => [100 + i * 60, 150 + i * 60] as const);
      const ended = await run(path, '/silent', stalls);
      assert.deepEqual(outcomes(ended), { timeout: REQUESTS });
      const latestMs = Math.max(...ended.records.map(({ end_us }) => (end_us ?? Infinity) - ended.zeroUs)) / 1000;
      assert.ok(latestMs >= TIMEOUT_MS && latestMs < TIMEOUT_MS + 250, `${latestMs} ms`);
    });

    it('as the time for the last answers ends, after an interrupt, keeps those that came', async () => {
      assert.deepEqual(outcomes(await run(path, '', [[50, TIMEOUT_MS + 100]], 20)), { ok: REQUESTS });
    });
  });
