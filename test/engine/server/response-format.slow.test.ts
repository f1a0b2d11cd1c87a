import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine } from '../../../src/engine/server/index.ts';
import { parseChatRequest, parseCompletionRequest } from '../../../src/engine/server/requests.ts';
import { chatFormat, completionFormat } from '../../../src/engine/server/response-format.ts';
import { events, testServer, type Reply, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await testServer('sglang');
});
after(() => server.close());

const NAMED = { 'x-request-id': 'r' };
const MESSAGES = [{ role: 'user', content: 'Hello there.' }];
const complete = (body: unknown): Promise<Reply> => server.complete(body, NAMED);
const chat = (body: object): Promise<Reply> =>
  server.send('POST', '/v1/chat/completions', { messages: MESSAGES, ...body }, NAMED);
const NOTHING_CACHED = { prompt_tokens_details: { cached_tokens: 0 } };

/** JSON without the phases, a field of this engine alone: their times differ from run to run. */
function withoutPhases(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) => (key === 'phases' ? undefined : value));
}

/** The events of a stream but for its end mark. */
function chunks(reply: Reply): unknown[] {
  assert.equal(reply.status, 200);
  const all = events(reply.text);
  assert.equal(all.pop(), '[DONE]');
  return all.map(withoutPhases);
}

describe('a stream of completions', () => {
  const HEAD = { id: 'cmpl-r', object: 'text_completion', created: 0, model: 'llama-3.1-8b' };

  function chunk(finish_reason: string | null): unknown {
    const none = { logprobs: null, finish_reason, stop_reason: null, prompt_token_ids: null, token_ids: null };
    return { ...HEAD, choices: [{ index: 0, text: ' token', ...none }] };
  }

  test('is one event a token, the reason on the last, and the end mark', async () => {
    const reply = await complete({ model: 'llama-3.1-8b', prompt: [1, 2, 3], max_tokens: 3, stream: true });
    assert.equal(reply.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(reply.headers['x-request-id'], 'r');
    assert.deepEqual(chunks(reply), [chunk(null), chunk(null), chunk('length')]);
  });

  test('of one token has one event with the reason', async () => {
    assert.deepEqual(chunks(await complete({ prompt: 'hello', max_tokens: 1, stream: true })), [chunk('length')]);
  });

  test('ends with usage when asked, on a chunk without choices', async () => {
    const stream_options = { include_usage: true };
    const reply = await complete({ prompt: [1, 2, 3, 4], max_tokens: 2, stream: true, stream_options });
    const all = events(reply.text);
    assert.equal(all.length, 4);
    assert.equal(JSON.parse(all[0] ?? '').usage, undefined);
    const { phases, ...last } = JSON.parse(all[2] ?? '');
    // Nothing moves between instances; an iteration for each token takes far longer than to begin the first.
    const { prefill_queue_us, prefill_us, transfer_us, decode_queue_us, decode_us } = phases;
    assert.deepEqual([transfer_us, decode_queue_us], [null, null]);
    assert.ok([prefill_queue_us, prefill_us, decode_us].every(Number.isInteger));
    assert.ok(prefill_queue_us < prefill_us && prefill_us > 1000 && decode_us > 1000);
    const usage = { prompt_tokens: 4, total_tokens: 6, completion_tokens: 2, ...NOTHING_CACHED };
    assert.deepEqual(last, { ...HEAD, choices: [], usage });
  });

  test('carries cumulative usage and token ids on every chunk when asked', async () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const body = { prompt: [1, 2], max_tokens: 3, stream: true, stream_options, return_token_ids: true };
    const all = events((await complete(body)).text)
      .slice(0, -1)
      .map((event) => JSON.parse(event));
    assert.deepEqual(
      all.map((each) => each.usage.completion_tokens),
      [1, 2, 3, 3],
    );
    assert.deepEqual(
      all.map((each) => each.choices[0]?.token_ids?.length),
      [1, 1, 1, undefined],
    );
  });

  test('gives the prompt’s own ids on the first chunk alone', async () => {
    const reply = await complete({ prompt: [7, 8, 9], max_tokens: 3, stream: true, return_token_ids: true });
    const ids = events(reply.text)
      .slice(0, -1)
      .map((event) => JSON.parse(event).choices[0])
      .map((choice) => [choice.prompt_token_ids, choice.token_ids]);
    assert.deepEqual(ids, [
      [[7, 8, 9], [4037]],
      [null, [4037]],
      [null, [4037]],
    ]);
  });

  test('is JSON whatever the model’s name and the request’s id', async () => {
    const odd = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, modelName: 'my "model"\\' });
    try {
      const reply = await fetch(`${odd.url}/v1/completions`, {
        method: 'POST',
        headers: { 'x-request-id': 'a"b\\c' },
        body: JSON.stringify({ prompt: 'x', max_tokens: 1, stream: true }),
      });
      const first = JSON.parse(events(await reply.text())[0] ?? '');
      assert.deepEqual([first.id, first.model], ['cmpl-a"b\\c', 'my "model"\\']);
    } finally {
      await odd.close();
    }
  });
});

test('a completion without stream', async () => {
  const reply = await complete({ prompt: [1, 2], max_tokens: 3, return_token_ids: true });
  assert.equal(reply.headers['content-type'], 'application/json');
  const { choices, usage, phases, ...rest } = reply.json;
  assert.deepEqual(rest, { id: 'cmpl-r', object: 'text_completion', created: 0, model: 'llama-3.1-8b' });
  assert.equal(choices[0].text, ' token token token');
  assert.equal(choices[0].finish_reason, 'length');
  assert.equal(choices[0].token_ids.length, 3);
  assert.deepEqual(usage, { prompt_tokens: 2, total_tokens: 5, completion_tokens: 3, ...NOTHING_CACHED });
  assert.ok(phases.decode_us > phases.prefill_us);
});

describe('chat', () => {
  const HEAD = { id: 'chatcmpl-r', object: 'chat.completion.chunk', created: 0, model: 'llama-3.1-8b' };
  const LAST = { finish_reason: 'length', stop_reason: null };
  const usage = (completion_tokens: number, more: object = {}): object => ({
    usage: { prompt_tokens: 10, total_tokens: 10 + completion_tokens, completion_tokens, ...more },
  });

  function roleChunk(prompt_token_ids: readonly number[] | null, more: object = {}): object {
    const delta = { role: 'assistant', content: '' };
    return { ...HEAD, choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], ...more, prompt_token_ids };
  }

  function tokenChunk(end: object, token_ids: readonly number[] | null = null, more: object = {}): object {
    const delta = { content: ' token' };
    const choice = { index: 0, delta, logprobs: null, finish_reason: null, ...end, token_ids };
    return { ...HEAD, choices: [choice], ...more };
  }

  test('streams the role, then one event a token, the reason on the last', async () => {
    assert.deepEqual(chunks(await chat({ max_completion_tokens: 2, stream: true })), [
      roleChunk(null),
      tokenChunk({}),
      tokenChunk(LAST),
    ]);
  });

  test('streams usage and ids when asked, the prompt’s on the first chunk', async () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const reply = await chat({ max_tokens: 2, stream: true, stream_options, return_token_ids: true });
    assert.deepEqual(chunks(reply), [
      roleChunk(Array<number>(10).fill(4037), usage(0)),
      tokenChunk({}, [4037], usage(1)),
      tokenChunk(LAST, [4037], usage(2)),
      { ...HEAD, choices: [], ...usage(2, NOTHING_CACHED) },
    ]);
  });

  test('without stream', async () => {
    const message = { role: 'assistant', content: ' token token' };
    assert.deepEqual(withoutPhases((await chat({ max_tokens: 2 })).text), {
      ...HEAD,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, ...LAST, token_ids: null }],
      ...usage(2, NOTHING_CACHED),
      prompt_token_ids: null,
    });
  });
});

test('/generate streams the whole output so far, and the finish reason with the last event', async () => {
  const { text } = await server.send('POST', '/generate', {
    input_ids: [5, 6, 7],
    sampling_params: { max_new_tokens: 3, ignore_eos: true },
    stream: true,
  });
  const all = events(text);
  assert.equal(all.pop(), '[DONE]');
  assert.deepEqual(
    all
      .map((event) => JSON.parse(event))
      .map(({ text: output, output_ids, meta_info: { finish_reason, prompt_tokens, completion_tokens } }) => [
        output,
        output_ids.length,
        finish_reason,
        prompt_tokens,
        completion_tokens,
      ]),
    [
      [' token', 1, null, 3, 1],
      [' token token', 2, null, 3, 2],
      [' token token token', 3, null, 3, 3],
      [' token token token', 3, { type: 'length', length: 3 }, 3, 3],
    ],
  );
});

test('several tokens of one iteration are one event with their text and their ids', () => {
  const body = { prompt: [1, 2], messages: MESSAGES, max_tokens: 5, stream: true, return_token_ids: true };
  const completion = parseCompletionRequest(JSON.stringify(body));
  const message = parseChatRequest(JSON.stringify(body));
  assert.ok(!('message' in completion) && !('message' in message));
  for (const format of [completionFormat(completion, 'r', 'm'), chatFormat(message, 'r', 'm')]) {
    const all = events(format.events(3, 5, true));
    assert.equal(all.length, 1);
    const [{ text, delta, finish_reason, token_ids }] = JSON.parse(all[0] ?? '').choices;
    assert.deepEqual([text ?? delta.content, finish_reason], [' token token token', 'length']);
    assert.deepEqual(token_ids, [4037, 4037, 4037]);
  }
});
