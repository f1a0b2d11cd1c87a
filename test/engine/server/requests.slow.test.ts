import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testServer, type Reply, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await testServer('sglang');
});
after(() => server.close());

const HELLO = [{ role: 'user', content: 'Hello there.' }];
const complete = (body: unknown): Promise<Reply> => server.complete(body, { 'x-request-id': 'e' });
const chat = (body: object): Promise<Reply> =>
  server.send('POST', '/v1/chat/completions', { messages: HELLO, ...body });
const generate = (body: object): Promise<Reply> => server.send('POST', '/generate', body);

describe('output tokens', () => {
  test('of completions are 16 unless something else is asked for, ignore_eos or not', async () => {
    for (const ignore_eos of [true, false]) {
      const { json } = await complete({ prompt: 'hello', ignore_eos });
      assert.equal(json.usage.completion_tokens, 16);
    }
  });

  test('of chat are those of max_completion_tokens rather than of max_tokens, and 256 by default', async () => {
    const both = await chat({ max_completion_tokens: 3, max_tokens: 5 });
    assert.equal(both.json.usage.completion_tokens, 3);
    assert.equal((await chat({})).json.usage.completion_tokens, 256);
  });

  test('of /generate are 128 by default', async () => {
    assert.equal((await generate({ text: 'a' })).json.meta_info.completion_tokens, 128);
  });
});

describe('prompt tokens', () => {
  test('of completions are the ids, or a quarter of the characters', async () => {
    const prompts: readonly (readonly [prompt: unknown, tokens: number])[] = [
      [[5, 6, 7], 3],
      [[[5, 6, 7, 8]], 4],
      ['12345678', 2],
      ['123456789', 3],
      [['1234'], 1],
    ];
    for (const [prompt, tokens] of prompts) {
      const { usage } = (await complete({ prompt, max_tokens: 1 })).json;
      assert.equal(usage.prompt_tokens, tokens, JSON.stringify(prompt));
    }
  });

  test('of chat are those of the text, 4 a message and 3 for the response', async () => {
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
    const { usage } = (await chat({ messages, max_tokens: 1 })).json;
    assert.equal(usage.prompt_tokens, 3 + 4 + 2 + 4 + 4 + 1 + 2);
  });

  test('of /generate are the ids, or a quarter of the characters', async () => {
    for (const [body, tokens] of [
      [{ input_ids: [5, 6, 7] }, 3],
      [{ text: '123456789', input_ids: null }, 3],
    ] as const) {
      const { json } = await generate({ ...body, sampling_params: { max_new_tokens: 1 } });
      assert.equal(json.meta_info.prompt_tokens, tokens);
    }
  });
});

describe('completions refuse, in the shape of OpenAI', () => {
  const cases: readonly (readonly [
    what: string,
    body: unknown,
    status: number,
    param: string | null,
    message: RegExp,
  ])[] = [
    ['malformed JSON', '{"prompt": ', 400, null, /not JSON/],
    ['a body that is no object', '[]', 400, null, /expected object/],
    ['no prompt', { max_tokens: 1 }, 400, 'prompt', /prompt must be/],
    ['ids that are no ids', { prompt: [1, 'a'] }, 400, 'prompt', /prompt must be/],
    ['several prompts', { prompt: ['a', 'b'] }, 400, 'prompt', /one prompt a request/],
    ['an empty prompt', { prompt: [] }, 400, null, /prompt is empty/],
    ['max_tokens of the wrong type', { prompt: 'a', max_tokens: '5' }, 400, 'max_tokens', /expected number/],
    ['no tokens to generate', { prompt: 'a', max_tokens: 0 }, 400, null, /max_tokens must be at least 1/],
    ['fewer than none', { prompt: 'a', max_tokens: -1 }, 400, null, /max_tokens must be at least 1, got -1/],
    [
      'min_tokens above max_tokens',
      { prompt: 'a', max_tokens: 2, min_tokens: 3 },
      400,
      'min_tokens',
      /above max_tokens/,
    ],
    ['several choices', { prompt: 'a', n: 2 }, 400, 'n', /only n=1/],
    ['the prompt back', { prompt: 'a', echo: true }, 400, 'echo', /only echo=false/],
    ['log probabilities', { prompt: 'a', logprobs: 0 }, 400, 'logprobs', /no log probabilities/],
    [
      'a wrong nested type',
      { prompt: 'a', stream_options: { include_usage: 1 } },
      400,
      'stream_options.include_usage',
      /boolean/,
    ],
    [
      'more than the model takes',
      { prompt: 'a', max_tokens: 2000, stream: true },
      400,
      null,
      /maximum context length is 2000 tokens/,
    ],
    ['another model', { model: 'gpt-9', prompt: 'a' }, 404, 'model', /gpt-9/],
  ];
  for (const [what, body, status, param, message] of cases)
    test(what, async () => {
      const reply = await complete(body);
      const { error } = reply.json;
      assert.deepEqual([reply.status, error.code, error.param], [status, status, param]);
      assert.match(error.message, message);
      assert.equal(error.type, status === 404 ? 'NotFoundError' : 'BadRequestError');
      assert.equal(reply.headers['x-request-id'], 'e');
    });

  test('but not fields that they do not know', async () => {
    const body = { prompt: 'a', max_tokens: 1, temperature: 0, seed: 3, something: {} };
    assert.equal((await complete(body)).status, 200);
  });
});

describe('chat refuses', () => {
  const cases: readonly (readonly [what: string, body: object, param: string])[] = [
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty list of messages', { messages: [] }, 'messages'],
    ['a message without a role', { messages: [{ content: 'a' }] }, 'messages.0.role'],
    ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
    ['min_tokens above the maximum', { max_completion_tokens: 2, min_tokens: 3 }, 'min_tokens'],
  ];
  for (const [what, body, param] of cases)
    test(what, async () => {
      const { status, json } = await chat(body);
      assert.deepEqual([status, json.error.code, json.error.param], [400, 400, param]);
    });
});

describe('/generate refuses', () => {
  test('a body without one prompt', async () => {
    for (const body of [{}, { text: 'a', input_ids: [1] }, { input_ids: ['a'] }, { text: ['a', 'b'] }])
      assert.equal((await generate(body)).status, 400, JSON.stringify(body));
    assert.equal((await generate({ text: 'a', input_ids: null, sampling_params: { max_new_tokens: 1 } })).status, 200);
  });

  test('several outputs, and log probabilities', async () => {
    for (const more of [{ sampling_params: { n: 2 } }, { return_logprob: true }])
      assert.equal((await generate({ text: 'a', ...more })).status, 400, JSON.stringify(more));
    const none = { sampling_params: { n: 1, max_new_tokens: 1 }, return_logprob: false };
    assert.equal((await generate({ text: 'a', ...none })).status, 200);
  });
});
