import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DIALECT_NAMES } from '../../../src/engine/server/index.ts';
import { testServer, type Reply, type TestServer } from './test-server.ts';

/** Sends requests to a server of the dialect, which lives as long as the tests of its `describe`. */
function sender(dialect: (typeof DIALECT_NAMES)[number]): TestServer['send'] {
  let server: TestServer;
  before(async () => {
    server = await testServer(dialect);
  });
  after(() => server.close());
  return (...request): Promise<Reply> => server.send(...request);
}

function hasOpenAiEndpoints(send: TestServer['send']): void {
  test('has the endpoints of completions and of chat', async () => {
    const completion = await send('POST', '/v1/completions', { prompt: 'a', max_tokens: 2 });
    assert.equal(completion.json.usage.completion_tokens, 2);
    const messages = [{ role: 'user', content: 'a' }];
    const chat = await send('POST', '/v1/chat/completions', { messages, max_tokens: 2 });
    assert.equal(chat.json.usage.completion_tokens, 2);
  });
}

describe('dialect vllm', () => {
  const send = sender('vllm');
  hasOpenAiEndpoints(send);

  test('lists its model, and has health and version', async () => {
    const { json } = await send('GET', '/v1/models');
    assert.deepEqual(json, {
      object: 'list',
      data: [
        {
          id: 'llama-3.1-8b',
          object: 'model',
          created: 0,
          owned_by: 'reprise',
          root: 'llama-3.1-8b',
          max_model_len: 2000,
        },
      ],
    });
    const { status, text } = await send('GET', '/health');
    assert.deepEqual([status, text], [200, '']);
    assert.equal((await send('GET', '/version')).json.system, 'vllm-v1');
  });

  test('tokenizes, and takes the ids for a prompt of the same length and back into the text', async () => {
    const prompt = 'What is a lookahead, été?';
    const { json } = await send('POST', '/tokenize', { model: 'x', prompt, add_special_tokens: true });
    assert.deepEqual([json.count, json.max_model_len, json.tokens.length], [7, 2000, 7]);
    assert.equal((await send('POST', '/detokenize', { tokens: json.tokens })).json.prompt, prompt);
    const { usage } = (await send('POST', '/v1/completions', { prompt: json.tokens, max_tokens: 1 })).json;
    assert.equal(usage.prompt_tokens, 7);
    assert.equal((await send('POST', '/detokenize', { tokens: [4037, 4037] })).json.prompt, ' token token');
  });

  test('a prompt that goes on from an answer finds prompt and answer in the cache, as ids, as text and in a chat', async () => {
    const cachedOf = ({ json }: Reply): unknown => json.usage.prompt_tokens_details.cached_tokens;
    const tokens = Array.from({ length: 21 }, (_, i) => 500 + i);
    await send('POST', '/v1/completions', { prompt: tokens, max_tokens: 30 });
    const ids = [...tokens, ...Array<number>(30).fill(4037), 7, 7, 7];
    assert.equal(cachedOf(await send('POST', '/v1/completions', { prompt: ids, max_tokens: 1 })), 48);
    const prompt = 'Why do prompts that go on end in part of a block?';
    const text = await send('POST', '/v1/completions', { prompt, max_tokens: 30 });
    const going = `${prompt}${text.json.choices[0].text} And then?`;
    assert.equal(cachedOf(await send('POST', '/v1/completions', { prompt: going, max_tokens: 1 })), 32);
    const asked = [{ role: 'user', content: 'What is said in a chat is found as it was said?' }];
    const chat = await send('POST', '/v1/chat/completions', { messages: asked, max_tokens: 30 });
    const messages = [...asked, chat.json.choices[0].message, { role: 'user', content: 'Go on' }];
    const found = await send('POST', '/v1/chat/completions', { messages, max_tokens: 1 });
    const sofar = chat.json.usage.total_tokens;
    assert.equal(cachedOf(found), sofar - (sofar % 16));
  });

  test('tokenizes a text alone, and detokenizes a list of ids alone', async () => {
    assert.equal((await send('POST', '/tokenize', { prompt: [1] })).json.error.param, 'prompt');
    assert.equal((await send('POST', '/detokenize', { tokens: ['a'] })).json.error.param, 'tokens.0');
  });

  test('has no page of SGLang', async () => {
    for (const [method, path] of [
      ['POST', '/generate'],
      ['GET', '/get_server_info'],
      ['POST', '/flush_cache'],
    ] as const)
      assert.equal((await send(method, path)).status, 404, path);
  });
});

describe('dialect sglang', () => {
  const send = sender('sglang');
  hasOpenAiEndpoints(send);

  test('/generate has a repeated prompt from the cache, until it is flushed', async () => {
    const body = { text: 'x'.repeat(400), sampling_params: { max_new_tokens: 1 } };
    const generate = async () => (await send('POST', '/generate', body)).json.meta_info;
    const { prompt_tokens, cached_tokens } = await generate();
    assert.deepEqual([prompt_tokens, cached_tokens], [100, 0]);
    assert.ok((await generate()).cached_tokens > 90);
    assert.equal((await send('POST', '/flush_cache')).status, 200);
    assert.equal((await generate()).cached_tokens, 0);
  });

  test('describes itself under older and newer names, and its metrics have SGLang’s', async () => {
    const info = (await send('GET', '/get_server_info')).json;
    assert.deepEqual([info.context_length, info.version], [2000, 'reprise reference engine']);
    // 28,356 blocks of 16.
    assert.equal(info.max_total_num_tokens, 453_696);
    assert.deepEqual((await send('GET', '/server_info')).json, info);
    assert.equal((await send('GET', '/get_model_info')).json.model_path, 'llama-3.1-8b');
    const metrics = (await send('GET', '/metrics')).text;
    assert.match(metrics, /^sglang:num_running_reqs\{[^}]*\} 0$/m);
    assert.match(metrics, /^sglang:generation_tokens_total\{[^}]*\} \d+$/m);
    assert.doesNotMatch(metrics, /vllm:/);
    assert.equal((await send('GET', '/version')).status, 404);
  });
});

describe('dialect openai', () => {
  const send = sender('openai');
  hasOpenAiEndpoints(send);

  test('refuses fields that are not OpenAI’s, by name', async () => {
    const plain = { prompt: [1, 2], max_tokens: 2, stream: true, stream_options: { include_usage: true } };
    assert.equal((await send('POST', '/v1/completions', plain)).status, 200);
    for (const [more, param] of [
      [{ ignore_eos: true }, 'ignore_eos'],
      [{ return_token_ids: true }, 'return_token_ids'],
      [{ stream_options: { include_usage: true, continuous_usage_stats: true } }, 'continuous_usage_stats'],
    ] as const) {
      const { status, json } = await send('POST', '/v1/completions', { ...plain, ...more });
      assert.deepEqual([status, json.error.param], [400, param]);
      assert.match(json.error.message, new RegExp(param));
    }
    const messages = [{ role: 'user', content: 'a' }];
    const unknown = await send('POST', '/v1/chat/completions', { messages, min_tokens: 1 });
    assert.equal(unknown.json.error.param, 'min_tokens');
    const known = await send('POST', '/v1/chat/completions', { messages, max_completion_tokens: 1 });
    assert.equal(known.status, 200);
  });

  test('has no pages about itself', async () => {
    for (const path of ['/version', '/metrics', '/get_server_info', '/tokenize', '/reset_prefix_cache'])
      assert.equal((await send('GET', path)).status, 404, path);
  });
});
