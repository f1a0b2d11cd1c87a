import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseEngineSpec, serveEngine, type EngineServer } from '../../../src/engine/index.ts';

let server: EngineServer;
before(async () => {
  server = await serveEngine(parseEngineSpec('max_model_len=2000'), { host: '127.0.0.1', port: 0 });
});
after(() => server.close());

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-request-id': 'r' },
    body: JSON.stringify(body),
  });
}

const HELLO = [{ role: 'user', content: 'Hello there.' }];
const chat = (body: object): Promise<Response> => post('/v1/chat/completions', { messages: HELLO, ...body });

async function events(reply: Response): Promise<unknown[]> {
  assert.equal(reply.status, 200);
  const all = (await reply.text()).trim().split('\n\n');
  assert.equal(all.pop(), 'data: [DONE]');
  return all.map((event) => withoutPhases(event.slice('data: '.length)));
}

/** JSON but for what no other server tells; `server.test.ts` has that. */
function withoutPhases(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) => (key === 'phases' ? undefined : value));
}

const HEAD = { id: 'chatcmpl-r', object: 'chat.completion.chunk', created: 0, model: 'llama-3.1-8b' };
const LAST = { finish_reason: 'length', stop_reason: null };
const NOTHING_CACHED = { prompt_tokens_details: { cached_tokens: 0 } };
const usage = (completion_tokens: number, more: object = {}): object => ({
  usage: { prompt_tokens: 10, total_tokens: 10 + completion_tokens, completion_tokens, ...more },
});

function roleEvent(prompt_token_ids: readonly number[] | null, more: object = {}): object {
  const delta = { role: 'assistant', content: '' };
  return { ...HEAD, choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], ...more, prompt_token_ids };
}

function tokenEvent(end: object, token_ids: readonly number[] | null = null, more: object = {}): object {
  const delta = { content: ' token' };
  const choice = { index: 0, delta, logprobs: null, finish_reason: null, ...end, token_ids };
  return { ...HEAD, choices: [choice], ...more };
}

describe('a chat stream', () => {
  test('is the role, then one event a token, the reason on the last', async () => {
    assert.deepEqual(await events(await chat({ max_completion_tokens: 2, stream: true })), [
      roleEvent(null),
      tokenEvent({}),
      tokenEvent(LAST),
    ]);
  });

  test('carries usage and ids when asked, the prompt’s on the first', async () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const all = await events(await chat({ max_tokens: 2, stream: true, stream_options, return_token_ids: true }));
    assert.deepEqual(all, [
      roleEvent(Array<number>(10).fill(4037), usage(0)),
      tokenEvent({}, [4037], usage(1)),
      tokenEvent(LAST, [4037], usage(2)),
      { ...HEAD, choices: [], ...usage(2, NOTHING_CACHED) },
    ]);
  });
});

test('a whole chat answer', async () => {
  assert.deepEqual(withoutPhases(await (await chat({ max_tokens: 2 })).text()), {
    ...HEAD,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: ' token token' },
        logprobs: null,
        ...LAST,
        token_ids: null,
      },
    ],
    ...usage(2, NOTHING_CACHED),
    prompt_token_ids: null,
  });
});

describe('lengths', () => {
  async function used(body: object): Promise<{ prompt_tokens: number; completion_tokens: number }> {
    const reply = await chat(body);
    return JSON.parse(await reply.text()).usage;
  }

  test('max_completion_tokens wins over max_tokens, and 256 is the default', async () => {
    assert.equal((await used({ max_completion_tokens: 3, max_tokens: 5 })).completion_tokens, 3);
    assert.equal((await used({})).completion_tokens, 256);
  });

  test('a prompt has its text, 4 tokens a message and 3 for the answer', async () => {
    const messages = [
      { role: 'system', content: '12345678' },
      { role: 'assistant', content: null },
      {
        role: 'user',
        content: [
          { type: 'text', text: '1234' },
          { type: 'text', text: '12345' },
        ],
      },
    ];
    const { prompt_tokens } = await used({ messages, max_tokens: 1 });
    assert.equal(prompt_tokens, 3 + 4 + 2 + 4 + 4 + 1 + 2);
  });
});

describe('chat refuses', () => {
  const cases: readonly (readonly [what: string, body: object, param: string])[] = [
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty list of them', { messages: [] }, 'messages'],
    ['a message without a role', { messages: [{ content: 'a' }] }, 'messages.0.role'],
    ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
    ['min_tokens above the maximum', { max_completion_tokens: 2, min_tokens: 3 }, 'min_tokens'],
  ];
  for (const [what, body, param] of cases)
    test(what, async () => {
      const reply = await chat(body);
      const { error } = JSON.parse(await reply.text());
      assert.deepEqual([reply.status, error.code, error.param], [400, 400, param]);
    });
});

test('completions give the prompt’s own ids on the first chunk alone', async () => {
  const reply = await post('/v1/completions', {
    prompt: [7, 8, 9],
    max_tokens: 3,
    stream: true,
    return_token_ids: true,
  });
  const ids = (await reply.text())
    .trim()
    .split('\n\n')
    .slice(0, -1)
    .map((event) => JSON.parse(event.slice('data: '.length)).choices[0])
    .map((choice) => [choice.prompt_token_ids, choice.token_ids]);
  assert.deepEqual(ids, [
    [[7, 8, 9], [4037]],
    [null, [4037]],
    [null, [4037]],
  ]);
});
