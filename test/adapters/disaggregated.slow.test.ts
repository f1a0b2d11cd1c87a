import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { makeCodec, type Deployment, type Handover } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/index.ts';
import { asking } from '../replay/asking.ts';
import { DONE, serve, sse, streamTokens, type TestServer } from '../servers.ts';

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

type Answer = (response: ServerResponse, request: IncomingMessage, body: unknown) => void;

async function stub(answer: Answer): Promise<TestServer> {
  const server = await serve((_index, request, response, body) => answer(response, request, body));
  closing.push(server.close);
  return server;
}

/** A client of one prefill server and one decode server; their bodies are read from the bytes on the wire. */
async function pair(
  handover: Handover,
  prefillAnswer: Answer,
  decodeAnswer: Answer,
  endpoint: 'completions' | 'generate' | 'chat' = 'completions',
) {
  const prefill = await stub(prefillAnswer);
  const decode = await stub(decodeAnswer);
  const deployment: Deployment = {
    kind: 'disaggregated',
    router: 'round-robin',
    handover,
    prefill: [{ endpoint: 0, host: '127.0.0.1', port: Number(prefill.url.port), bootstrapPort: 9000 }],
    decode: [1],
  };
  const options = { endpoint, model: 'm', runId: 'run', deployment };
  const codec = makeCodec('vllm', options, promptMaker({ seed: 1, blockTokens: null }));
  const client = asking([prefill.url, decode.url], codec);
  closing.unshift(() => client.target.close());
  return { ...client, prefill, decode };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const reply = (response: ServerResponse, json: string): void =>
  void response.setHeader('content-type', 'application/json').end(json);

const PARAMS =
  '{"do_remote_prefill":true, "remote_block_ids":[ 1,2 ],"engine":{"id":9223372036854775807,"x":[{"at":1.0e0}]},"s":"\\u00e9}\\""}';
const prefilled = `{"id":"c","choices":[{"text":" a"}],"kv_transfer_params": ${PARAMS} ,"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}`;
const body = z.looseObject({});

describe("vLLM's two steps", () => {
  it('hands over what the prefill server says byte for byte, and counts its time in TTFT', async () => {
    const { ask, prefill, decode } = await pair(
      'vllm',
      (response) => void sleep(200).then(() => reply(response, prefilled)),
      (response) => void streamTokens(response, 4, 1),
    );
    let raw = '';
    decode.server.prependListener('request', (request) => request.on('data', (bytes) => (raw += String(bytes))));
    const ended = await ask(0);
    assert.deepEqual([ended.outcome, ended.error, ended.tokens, ended.sent], ['ok', null, 4, 1]);
    const { prefill_call_us = null, handover_us = null, first_decode_us = null } = ended.answer?.handover ?? {};
    assert.ok(prefill_call_us !== null && prefill_call_us >= 199_000, `${prefill_call_us}`);
    assert.ok(handover_us !== null && handover_us >= 0 && first_decode_us !== null && first_decode_us > 0);
    assert.equal(ended.answer?.cachedTokens, 2, 'those of the prefill server');
    const sent = body.parse(prefill.seen[0]?.body);
    assert.deepEqual(
      [sent['max_tokens'], sent['stream'], 'min_tokens' in sent, 'stream_options' in sent, 'return_token_ids' in sent],
      [1, false, false, false, false],
    );
    assert.ok(raw.endsWith(`,"kv_transfer_params":${PARAMS}}`), raw);
  });

  it('completes the body of the decode call with those bytes alone', () => {
    const deployment: Deployment = {
      kind: 'disaggregated',
      router: 'round-robin',
      handover: 'vllm',
      prefill: [{ endpoint: 0, host: 'a', port: 1, bootstrapPort: null }],
      decode: [1],
    };
    const options = { endpoint: 'completions', model: 'm', runId: 'run', deployment } as const;
    const codec = makeCodec('vllm', options, promptMaker({ seed: 1, blockTokens: null }));
    const request = { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 3, outputTokens: 4 };
    const [first, second, ...others] = codec.open(request);
    assert.ok(first !== undefined && second !== undefined && others.length === 0);
    assert.deepEqual([first.role, first.step, second.role, second.step], ['reply', 0, 'stream', 1]);
    const decoder = codec.decoder(request, { tokens: () => undefined });
    assert.equal(decoder.reply?.(first, Buffer.from(prefilled)), null);
    const [sent] = decoder.next?.([second]) ?? [];
    const plain = Buffer.from(second.body).toString();
    assert.equal(Buffer.from(sent?.body ?? []).toString(), `${plain.slice(0, -1)},"kv_transfer_params":${PARAMS}}`);
    assert.match(plain, /"max_tokens":4,"min_tokens":4/);
  });

  it('fails with the prefill server, and sends nothing to the decode server then', async () => {
    for (const [answer, outcome, error] of [
      [
        (response: ServerResponse) => response.writeHead(503).end('{"error":"no room"}'),
        'rejected',
        'server 0: no room',
      ],
      [(response: ServerResponse) => response.destroy(), 'stream_broken', /^server 0: the connection was closed/],
      [
        (response: ServerResponse) => reply(response, '{"error":{"message":"boom"}}'),
        'stream_broken',
        'server 0: boom',
      ],
      [
        (response: ServerResponse) => reply(response, '{"kv_transfer_params":null}'),
        'protocol_error',
        /--kv-transfer-config/,
      ],
      [
        (response: ServerResponse) => reply(response, '<html>'),
        'protocol_error',
        /server 0: the reply .* is no JSON object/,
      ],
      [
        (response: ServerResponse) => reply(response, ' '.repeat(17 * 1024 ** 2)),
        'protocol_error',
        /^server 0: a reply is longer than/,
      ],
    ] as const) {
      const { ask, decode } = await pair('vllm', answer, (response) => response.end());
      const ended = await ask(0);
      assert.deepEqual([ended.outcome, decode.seen.length], [outcome, 0]);
      if (typeof error === 'string') assert.equal(ended.error, error);
      else assert.match(ended.error ?? '', error);
    }
  });

  it('says what is held where the decode server refuses, until it has fetched it', async () => {
    const refused = await pair(
      'vllm',
      (response) => reply(response, prefilled),
      (response) => response.writeHead(400).end('{"error":"too long"}'),
    );
    const { error, answer } = await refused.ask(0);
    assert.equal(error, 'server 1: too long');
    assert.match(answer?.aftermath ?? '', /^the prefill server .* holds its KV until it expires/);
    const gone = await pair(
      'vllm',
      (response) => reply(response, prefilled),
      (response) => response.destroy(),
    );
    assert.match((await gone.ask(0)).answer?.aftermath ?? '', /holds its KV until it expires/);
    const asked = Promise.withResolvers<null>();
    const silent = await pair(
      'vllm',
      (response) => reply(response, prefilled),
      () => asked.resolve(null),
    );
    void silent.ask(0);
    await asked.promise;
    assert.match(silent.target.cancel(0)?.aftermath ?? '', /holds its KV until it expires/);
    const broken = await pair(
      'vllm',
      (response) => reply(response, prefilled),
      (response) => void response.writeHead(200).write(sse({ choices: [{ text: ' a' }] }), () => response.destroy()),
    );
    assert.equal((await broken.ask(0)).answer?.aftermath, undefined);
  });
});

describe("SGLang's bootstrap", () => {
  const chunk = (tokens: number, finish: unknown = null): string =>
    sse({
      text: ' a'.repeat(tokens),
      meta_info: { finish_reason: finish, prompt_tokens: 3, completion_tokens: tokens, cached_tokens: 1 },
    });
  const whole = chunk(1) + chunk(4, { type: 'length' }) + DONE;
  const prompt = chunk(1, { type: 'length' }) + DONE;

  it('posts the same body to both in one turn of the event loop, with a room of its own below 2^53', async () => {
    const arrived: number[][] = [];
    const note = (): void => void arrived.at(-1)?.push(performance.now());
    const { ask, prefill, decode } = await pair(
      'sglang',
      (response) => (note(), response.end(prompt)),
      (response) => (note(), void sleep(5).then(() => response.end(whole))),
      'generate',
    );
    for (let i = 0; i < 50; i++) {
      arrived.push([]);
      const ended = await ask(i);
      assert.deepEqual([ended.outcome, ended.error, ended.tokens, ended.sent], ['ok', null, 4, 1]);
      assert.equal(ended.answer?.handover?.handover_us, 0, 'the decode server had its call from the start');
    }
    const gaps = arrived.map(([a = 0, b = Infinity]) => Math.abs(b - a)).sort((a, b) => a - b);
    assert.ok((gaps[25] ?? Infinity) < 5, `median gap ${gaps[25]} ms`);
    const rooms = prefill.seen.map((seen, i) => {
      assert.deepEqual(seen.body, decode.seen[i]?.body);
      const sent = body.parse(seen.body);
      assert.deepEqual([sent['bootstrap_host'], sent['bootstrap_port']], ['127.0.0.1', 9000]);
      return sent['bootstrap_room'];
    });
    assert.equal(new Set(rooms).size, 50);
    assert.ok(rooms.every((room) => Number.isSafeInteger(room)));
  });

  it('ends with the decode stream, whatever becomes of the reply to the prompt', async () => {
    const { ask } = await pair(
      'sglang',
      (response) => void response.writeHead(200).write(prompt),
      (response) => response.end(whole),
      'generate',
    );
    const ended = await ask(0);
    assert.deepEqual([ended.outcome, ended.tokens], ['ok', 4]);
    assert.ok(ended.endMs < 500, `${ended.endMs} ms`);
  });

  it('aborts the decode call when the prefill server fails, and the prefill call when the decode server refuses', async () => {
    for (const [bad, outcome] of [
      [(response: ServerResponse) => response.writeHead(500).end('boom'), 'http_error'],
      [(response: ServerResponse) => response.end(sse({ error: { message: 'boom' } })), 'stream_broken'],
    ] as const)
      for (const failing of [0, 1]) {
        const aborted = Promise.withResolvers<void>();
        const hangs = (response: ServerResponse): void =>
          void response
            .on('close', () => aborted.resolve())
            .writeHead(200)
            .write(chunk(1));
        const late: Answer = (response) => void sleep(20).then(() => bad(response));
        const { ask } = await pair('sglang', failing === 0 ? late : hangs, failing === 1 ? late : hangs, 'generate');
        const ended = await ask(0);
        assert.deepEqual([ended.outcome, ended.error], [outcome, `server ${failing}: boom`]);
        await aborted.promise;
      }
  });
});

it("llm-d: one call, to the decode server's sidecar, which is told the prefill server", async () => {
  const { ask, prefill, decode } = await pair(
    'llm-d',
    () => assert.fail('not called'),
    (response) => void streamTokens(response, 4, 0),
  );
  const ended = await ask(0);
  assert.deepEqual([ended.outcome, ended.tokens, prefill.seen.length], ['ok', 4, 0]);
  assert.equal(decode.seen[0]?.headers['x-prefiller-host-port'], `127.0.0.1:${prefill.url.port}`);
  assert.equal(ended.answer?.handover, undefined);
});
