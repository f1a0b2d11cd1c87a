import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { testServer, until, type Reply, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await testServer('distserve', 'distserve,max_model_len=2000');
});
after(() => server.close());

const generate = (body: unknown): Promise<Reply> => server.send('POST', '/generate', body);
const PROMPT = 'The sky is blue and so on';

const answer = z.strictObject({
  text: z.string(),
  timestamps: z.array(z.number()),
  lifetime_events: z.array(z.strictObject({ timestamp: z.number(), event_type: z.string() })),
});

describe('dialect distserve', () => {
  test('streams an object a token with all of the text so far, and nothing between them', async () => {
    const { status, headers, text } = await generate({ prompt: PROMPT, stream: true, max_tokens: 3, ignore_eos: true });
    assert.deepEqual([status, headers['content-type']], [200, undefined]);
    assert.equal(text, '{"text": " token"}{"text": " token token"}{"text": " token token token"}');
    const byDefault = await generate({ prompt: PROMPT, stream: true });
    assert.equal(byDefault.text.split('}{').length, 16);
  });

  test('not streamed, gives a monotonic time a token and the events of its life on the wall clock', async () => {
    const from = Date.now() / 1000;
    const {
      text,
      timestamps,
      lifetime_events: events,
    } = answer.parse((await generate({ prompt: PROMPT, max_tokens: 20 })).json);
    assert.equal(text, ' token'.repeat(20));
    assert.equal(timestamps.length, 20);
    assert.deepEqual(
      events.map(({ event_type }) => event_type),
      ['issued', 'context_begin', 'context_end', 'migration_begin', 'migration_end', 'decoding_begin', 'decoding_end'],
    );
    for (const times of [timestamps, events.map(({ timestamp }) => timestamp)])
      for (const [i, time] of times.entries()) assert.ok(time >= (times[i - 1] ?? 0), `${time} s`);
    const [issued, , contextEnd, begun, moved, , ended] = events.map(({ timestamp }) => timestamp);
    assert.ok((issued ?? 0) > from - 1 && (ended ?? 0) < Date.now() / 1000 + 1, 'they are of this moment');
    assert.ok((moved ?? 0) > (begun ?? 0), 'its KV blocks move');
    // The first token comes with the prompt, the last at the end, a little late on a busy machine.
    const [tokensS, decodingS] = [(timestamps.at(-1) ?? 0) - (timestamps[0] ?? 0), (ended ?? 0) - (contextEnd ?? 0)];
    assert.ok(Math.abs(tokensS - decodingS) < 0.5, `${tokensS} and ${decodingS} s`);
  });

  test('of one token, has no events behind those of the prompt', async () => {
    const { timestamps, lifetime_events } = answer.parse((await generate({ prompt: PROMPT, max_tokens: 1 })).json);
    assert.deepEqual(
      [timestamps.length, lifetime_events.map(({ event_type }) => event_type)],
      [1, ['issued', 'context_begin', 'context_end']],
    );
  });

  test('a token of the prompt is a word', async () => {
    // 1,990 words and 10 tokens fit into the context, one word more does not.
    const ask = (words: number): Promise<Reply> => generate({ prompt: 'wonderful '.repeat(words), max_tokens: 10 });
    assert.deepEqual([(await ask(1990)).status, (await ask(1991)).status], [200, 500]);
  });

  test('fails on what it does not know, and does not say why', async () => {
    for (const body of [
      { prompt: PROMPT, min_tokens: 3 },
      { prompt: PROMPT, model: 'opt-13b' },
      { prompt: PROMPT, stream_options: {} },
      { prompt: PROMPT, max_tokens: 0 },
      { prompt: PROMPT, top_p: 0 },
      { prompt: [1, 2], max_tokens: 2 },
      { max_tokens: 2 },
      'no JSON',
    ]) {
      const { status, headers, text } = await generate(body);
      assert.deepEqual(
        [status, headers['content-type'], text],
        [500, 'text/plain; charset=utf-8', 'Internal Server Error'],
        JSON.stringify(body),
      );
    }
    const known = { prompt: PROMPT, n: 1, best_of: 1, use_beam_search: false, temperature: 0, top_p: 1, top_k: -1 };
    const more = {
      presence_penalty: 0,
      frequency_penalty: 0,
      stop: ['x'],
      ignore_eos: true,
      max_tokens: 2,
      logprobs: null,
    };
    assert.equal((await generate({ ...known, ...more })).status, 200);
  });

  test('has no page but the list of its routes, and those of the engine', async () => {
    const { json } = await server.send('GET', '/openapi.json');
    assert.deepEqual(Object.keys(json.paths), ['/generate']);
    for (const path of ['/v1/models', '/health', '/version', '/metrics', '/get_server_info', '/tokenize'])
      assert.equal((await server.send('GET', path)).status, 404, path);
    assert.equal((await server.load()).running, 0);
  });

  test('goes on with the request of a client that has gone', async () => {
    const tokensSoFar = async (): Promise<number> => (await server.load()).iterationTokens;
    for (const stream of [true, false]) {
      const earlier = await tokensSoFar();
      const req = httpRequest(`${server.url}/generate`, { method: 'POST', agent: false });
      req.on('error', () => undefined);
      req.end(JSON.stringify({ prompt: PROMPT, stream, max_tokens: 120 }));
      if (stream)
        await once(req, 'response').then(([response]: IncomingMessage[]) => response?.on('error', () => undefined));
      else await until('it runs', async () => (await server.load()).running > 0);
      req.destroy();
      await until('it has ended', async () => (await server.load()).running === 0 && (await tokensSoFar()) > earlier);
      // 6 words, a token with them, and 119 more.
      assert.ok((await tokensSoFar()) - earlier >= 125, `${(await tokensSoFar()) - earlier} tokens`);
    }
    assert.equal((await generate({ prompt: PROMPT, max_tokens: 2 })).status, 200);
  });
});
