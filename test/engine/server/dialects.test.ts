import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { parseEngineSpec, serveEngine, type DIALECT_NAMES, type EngineServer } from '../../../src/engine/index.ts';

const servers: EngineServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

/** Starts the engine in a dialect; asks it, and gives the status and the body, parsed where it is JSON. */
async function start(dialect: (typeof DIALECT_NAMES)[number]) {
  const spec = parseEngineSpec('max_model_len=2000');
  const server = await serveEngine(spec, { host: '127.0.0.1', port: 0, dialect });
  servers.push(server);
  return async (method: string, path: string, body?: unknown) => {
    const reply = await fetch(server.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type') === 'application/json';
    return { status: reply.status, text, json: isJson ? JSON.parse(text) : null };
  };
}

describe('dialect vllm', async () => {
  const ask = await start('vllm');

  test('tokenizes, and takes the tokens for a prompt of the same length and the text back', async () => {
    const prompt = 'What is a lookahead, été?';
    const { json } = await ask('POST', '/tokenize', { model: 'x', prompt, add_special_tokens: true });
    assert.deepEqual([json.count, json.max_model_len, json.tokens.length], [7, 2000, 7]);
    assert.equal((await ask('POST', '/detokenize', { tokens: json.tokens })).json.prompt, prompt);
    const { usage } = (await ask('POST', '/v1/completions', { prompt: json.tokens, max_tokens: 1 })).json;
    assert.equal(usage.prompt_tokens, 7);
    assert.equal((await ask('POST', '/detokenize', { tokens: [4037, 4037] })).json.prompt, ' token token');
  });

  test('refuses what is no prompt and no list of tokens', async () => {
    assert.equal((await ask('POST', '/tokenize', { prompt: [1] })).json.error.param, 'prompt');
    assert.equal((await ask('POST', '/detokenize', { tokens: ['a'] })).json.error.param, 'tokens.0');
  });

  test('has no page of SGLang', async () => {
    for (const [method, path] of [
      ['POST', '/generate'],
      ['GET', '/get_server_info'],
      ['POST', '/flush_cache'],
    ] as const)
      assert.equal((await ask(method, path)).status, 404, path);
  });
});

describe('dialect sglang', async () => {
  const ask = await start('sglang');

  test('/generate streams all of the answer so far, and the reason with the last', async () => {
    const { text } = await ask('POST', '/generate', {
      input_ids: [5, 6, 7],
      sampling_params: { max_new_tokens: 3, ignore_eos: true },
      stream: true,
    });
    const events = text.split('\n\n').map((event) => event.replace('data: ', ''));
    assert.deepEqual(events.splice(-2), ['[DONE]', '']);
    const said = events.map((event) => JSON.parse(event));
    assert.deepEqual(
      said.map(({ text: all, output_ids, meta_info: { finish_reason, prompt_tokens, completion_tokens } }) => [
        all,
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

  test('/generate whole, from a text, of 128 tokens unless told; the same again from the cache, until it is flushed', async () => {
    const text = 'x'.repeat(400);
    const generate = async () => (await ask('POST', '/generate', { text })).json.meta_info;
    const { prompt_tokens, completion_tokens, cached_tokens } = await generate();
    assert.deepEqual([prompt_tokens, completion_tokens, cached_tokens], [100, 128, 0]);
    assert.ok((await generate()).cached_tokens > 90);
    assert.equal((await ask('POST', '/flush_cache')).status, 200);
    assert.equal((await generate()).cached_tokens, 0);
  });

  test('/generate refuses what is not one prompt', async () => {
    for (const body of [{}, { text: 'a', input_ids: [1] }, { input_ids: ['a'] }, { text: ['a', 'b'] }])
      assert.equal((await ask('POST', '/generate', body)).status, 400, JSON.stringify(body));
    assert.equal((await ask('POST', '/generate', { text: 'a', input_ids: null })).status, 200);
  });

  test('/generate refuses what it does not do: several answers, log probabilities', async () => {
    for (const more of [{ sampling_params: { n: 2 } }, { return_logprob: true }])
      assert.equal((await ask('POST', '/generate', { text: 'a', ...more })).status, 400, JSON.stringify(more));
    const none = { sampling_params: { n: 1 }, return_logprob: false };
    assert.equal((await ask('POST', '/generate', { text: 'a', ...none })).status, 200);
  });

  test('tells what it is under older and newer names, and its metrics under SGLang’s', async () => {
    const info = (await ask('GET', '/get_server_info')).json;
    assert.deepEqual([info.context_length, info.version], [2000, 'reprise reference engine']);
    // 27,537 blocks of 16.
    assert.equal(info.max_total_num_tokens, 440_592);
    assert.deepEqual((await ask('GET', '/server_info')).json, info);
    assert.equal((await ask('GET', '/get_model_info')).json.model_path, 'llama-3.1-8b');
    const metrics = (await ask('GET', '/metrics')).text;
    assert.match(metrics, /^sglang:num_running_reqs\{[^}]*\} 0$/m);
    assert.match(metrics, /^sglang:generation_tokens_total\{[^}]*\} \d+$/m);
    assert.doesNotMatch(metrics, /vllm:/);
    assert.equal((await ask('GET', '/version')).status, 404);
  });

  test('speaks OpenAI’s routes as well', async () => {
    assert.equal(
      (await ask('POST', '/v1/completions', { prompt: 'a', max_tokens: 2 })).json.usage.completion_tokens,
      2,
    );
  });
});

describe('dialect openai', async () => {
  const ask = await start('openai');

  test('names and refuses the fields that are not OpenAI’s', async () => {
    const plain = { prompt: [1, 2], max_tokens: 2, stream: true, stream_options: { include_usage: true } };
    assert.equal((await ask('POST', '/v1/completions', plain)).status, 200);
    for (const [more, param] of [
      [{ ignore_eos: true }, 'ignore_eos'],
      [{ return_token_ids: true }, 'return_token_ids'],
      [{ stream_options: { include_usage: true, continuous_usage_stats: true } }, 'continuous_usage_stats'],
    ] as const) {
      const { status, json } = await ask('POST', '/v1/completions', { ...plain, ...more });
      assert.deepEqual([status, json.error.param], [400, param]);
      assert.match(json.error.message, new RegExp(param));
    }
    const messages = [{ role: 'user', content: 'a' }];
    assert.equal(
      (await ask('POST', '/v1/chat/completions', { messages, min_tokens: 1 })).json.error.param,
      'min_tokens',
    );
    assert.equal((await ask('POST', '/v1/chat/completions', { messages, max_completion_tokens: 1 })).status, 200);
  });

  test('tells nothing of itself', async () => {
    for (const path of ['/version', '/metrics', '/get_server_info', '/tokenize', '/reset_prefix_cache'])
      assert.equal((await ask('GET', path)).status, 404, path);
  });
});
