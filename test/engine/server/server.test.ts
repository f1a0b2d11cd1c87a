import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../src/core/errors.ts';
import { machineUs } from '../../../src/core/wall-clock.ts';
import { parseEngineSpec, serveEngine, type EngineServer } from '../../../src/engine/index.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: EngineServer;
before(async () => {
  server = await serveEngine(parseEngineSpec('max_model_len=2000'), { host: '127.0.0.1', port: 0 });
});
after(() => server.close());

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const req = httpRequest(`${server.url}${path}`, { method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }),
      );
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

const complete = (body: unknown, headers?: Record<string, string>): Promise<Reply> =>
  call('POST', '/v1/completions', body, headers);

/** The payloads of a stream, which must be nothing but `data:` events that end in a blank line. */
function events(body: string): string[] {
  assert.ok(body.endsWith('\n\n'));
  return body
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      assert.ok(event.startsWith('data: ') && !event.includes('\n'), event);
      return event.slice('data: '.length);
    });
}

function tokenEvent(id: string, finishReason: string | null, more: object = {}): unknown {
  const choice = {
    index: 0,
    text: ' token',
    logprobs: null,
    finish_reason: finishReason,
    stop_reason: null,
    prompt_token_ids: null,
    token_ids: null,
  };
  return { id: `cmpl-${id}`, object: 'text_completion', created: 0, model: 'llama-3.1-8b', choices: [choice], ...more };
}

describe('a stream', () => {
  test('is one event a token, the reason on the last, and the end mark', async () => {
    const reply = await complete(
      { model: 'llama-3.1-8b', prompt: [1, 2, 3], max_tokens: 3, stream: true },
      { 'x-request-id': 'run-r1' },
    );
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(reply.headers['x-request-id'], 'run-r1');
    const all = events(reply.body);
    assert.equal(all.pop(), '[DONE]');
    assert.deepEqual(
      all.map((event) => JSON.parse(event)),
      [tokenEvent('run-r1', null), tokenEvent('run-r1', null), tokenEvent('run-r1', 'length')],
    );
  });

  test('of one token has one event with the reason', async () => {
    const all = events(
      (await complete({ prompt: 'hello', max_tokens: 1, stream: true }, { 'x-request-id': 'one' })).body,
    );
    assert.deepEqual(
      all.slice(0, -1).map((event) => JSON.parse(event)),
      [tokenEvent('one', 'length')],
    );
  });

  test('ends with usage when asked, on a chunk without choices', async () => {
    const reply = await complete(
      { prompt: [1, 2, 3, 4], max_tokens: 2, stream: true, stream_options: { include_usage: true } },
      { 'x-request-id': 'u' },
    );
    const all = events(reply.body);
    assert.equal(all.length, 4);
    assert.equal(JSON.parse(all[0] ?? '').usage, undefined);
    const { phases, ...last } = JSON.parse(all[2] ?? '');
    // Nothing moves between instances; an iteration for each token takes far longer than to begin the first.
    const { prefill_queue_us, prefill_us, transfer_us, decode_queue_us, decode_us } = phases;
    assert.deepEqual([transfer_us, decode_queue_us], [null, null]);
    assert.ok([prefill_queue_us, prefill_us, decode_us].every(Number.isInteger));
    assert.ok(prefill_queue_us < prefill_us && prefill_us > 1000 && decode_us > 1000);
    assert.deepEqual(last, {
      id: 'cmpl-u',
      object: 'text_completion',
      created: 0,
      model: 'llama-3.1-8b',
      choices: [],
      usage: {
        prompt_tokens: 4,
        total_tokens: 6,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  test('carries cumulative usage and token ids on every chunk when asked', async () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const reply = await complete({
      prompt: [1, 2],
      max_tokens: 3,
      stream: true,
      stream_options,
      return_token_ids: true,
    });
    const all = events(reply.body)
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

  test('names and ids of any characters make JSON', async () => {
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

test('without stream the answer comes whole', async () => {
  const reply = await complete({ prompt: [1, 2], max_tokens: 3, return_token_ids: true }, { 'x-request-id': 'whole' });
  assert.equal(reply.headers['content-type'], 'application/json');
  const { choices, usage, phases, ...rest } = JSON.parse(reply.body);
  assert.deepEqual(rest, { id: 'cmpl-whole', object: 'text_completion', created: 0, model: 'llama-3.1-8b' });
  assert.equal(choices[0].text, ' token token token');
  assert.equal(choices[0].finish_reason, 'length');
  assert.equal(choices[0].token_ids.length, 3);
  const prompt_tokens_details = { cached_tokens: 0 };
  assert.deepEqual(usage, { prompt_tokens: 2, total_tokens: 5, completion_tokens: 3, prompt_tokens_details });
  assert.ok(phases.decode_us > phases.prefill_us);
});

test('16 tokens are generated unless something else is asked for, ignore_eos or not', async () => {
  for (const ignore_eos of [true, false]) {
    const { usage } = JSON.parse((await complete({ prompt: 'hello', ignore_eos })).body);
    assert.equal(usage.completion_tokens, 16);
  }
});

test('the length of a prompt is its ids, or a quarter of its characters', async () => {
  const prompts: readonly (readonly [prompt: unknown, tokens: number])[] = [
    [[5, 6, 7], 3],
    [[[5, 6, 7, 8]], 4],
    ['12345678', 2],
    ['123456789', 3],
    [['1234'], 1],
  ];
  for (const [prompt, tokens] of prompts) {
    const { usage } = JSON.parse((await complete({ prompt, max_tokens: 1 })).body);
    assert.equal(usage.prompt_tokens, tokens, JSON.stringify(prompt));
  }
});

describe('errors are OpenAI-shaped', () => {
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
    [
      'min_tokens above max_tokens',
      { prompt: 'a', max_tokens: 2, min_tokens: 3 },
      400,
      'min_tokens',
      /above max_tokens/,
    ],
    ['several answers', { prompt: 'a', n: 2 }, 400, 'n', /only n=1/],
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
      const reply = await complete(body, { 'x-request-id': 'e' });
      const { error } = JSON.parse(reply.body);
      assert.deepEqual([reply.status, error.code, error.param], [status, status, param]);
      assert.match(error.message, message);
      assert.equal(error.type, status === 404 ? 'NotFoundError' : 'BadRequestError');
      assert.equal(reply.headers['x-request-id'], 'e');
    });

  test('unknown fields are no error', async () => {
    assert.equal((await complete({ prompt: 'a', max_tokens: 1, temperature: 0, seed: 3, something: {} })).status, 200);
  });

  test('unknown paths and wrong methods', async () => {
    const missing = await call('GET', '/v1/nothing');
    assert.deepEqual([missing.status, JSON.parse(missing.body).error.type], [404, 'NotFoundError']);
    const wrong = await call('GET', '/v1/completions');
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
    assert.equal((await call('POST', '/health', '')).status, 405);
  });

  test('a body above the limit, and the server lives on', async () => {
    const reply = await complete(`{"prompt": "${'x'.repeat(65 * 1024 ** 2)}"}`);
    assert.deepEqual([reply.status, JSON.parse(reply.body).error.code], [413, 413]);
    assert.equal((await call('GET', '/health')).status, 200);
  });
});

test('what it is: models, health, version', async () => {
  const models = JSON.parse((await call('GET', '/v1/models')).body);
  assert.deepEqual(models, {
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
  assert.deepEqual(await call('GET', '/health').then(({ status, body }) => [status, body]), [200, '']);
  assert.equal(JSON.parse((await call('GET', '/version')).body).system, 'vllm-v1');
});

async function load(): Promise<{ running: number; waiting: number; usedBlocks: number }> {
  return JSON.parse((await call('GET', '/load')).body);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`${what}: not within two seconds`);
}

describe('a client that goes away', () => {
  for (const stream of [true, false])
    test(`takes its request with it (stream: ${stream})`, async () => {
      const body = JSON.stringify({ prompt: Array(100).fill(1), max_tokens: 1800, stream });
      const port = Number(new URL(server.url).port);
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-${stream}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await until('the request runs', async () => (await load()).running === 1);
      assert.ok((await load()).usedBlocks >= 7);
      socket.destroy();
      await until('memory is free', async () => (await load()).usedBlocks === 0);
      const { running, waiting } = await load();
      assert.deepEqual([running, waiting], [0, 0]);
      assert.equal((await call('GET', `/truth?id=gone-${stream}`)).status, 200);
    });
});

describe('/truth', () => {
  test('has one time a token, on the monotonic clock, before the client saw it', async () => {
    const seenUs: number[] = [];
    const beforeUs = machineUs();
    await new Promise<void>((resolve, reject) => {
      const req = httpRequest(
        `${server.url}/v1/completions`,
        { method: 'POST', headers: { 'x-request-id': 'timed' }, agent: false },
        (res) => {
          res.on('data', (data: Buffer) => {
            const nowUs = machineUs();
            for (const _ of data.toString().matchAll(/"text":/g)) seenUs.push(nowUs);
          });
          res.on('end', resolve);
        },
      );
      req.on('error', reject);
      req.end(JSON.stringify({ prompt: Array(64).fill(1), max_tokens: 12, stream: true }));
    });
    const { request_id, emitted_us } = JSON.parse((await call('GET', '/truth?id=timed')).body);
    assert.equal(request_id, 'timed');
    assert.equal(emitted_us.length, 12);
    assert.equal(seenUs.length, 12);
    let previous = beforeUs;
    for (const [i, time] of emitted_us.entries()) {
      assert.ok(time >= previous && time <= (seenUs[i] ?? 0));
      previous = time;
    }
    // One prefill and 11 decodes of some 6.7 ms: late by whatever the machine was busy, but never early.
    assert.ok(emitted_us[11] - beforeUs > 12 * 6500);
  });

  test('lists all as JSON lines', async () => {
    await complete({ prompt: 'a', max_tokens: 5, stream: true }, { 'x-request-id': 'listed' });
    await complete({ prompt: 'a', max_tokens: 4 }, { 'x-request-id': 'listed whole' });
    const lines = (await call('GET', '/truth')).body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const times = new Map(lines.map((line) => [line.request_id, line.emitted_us.length]));
    assert.deepEqual([times.get('listed'), times.get('listed whole')], [5, 4]);
  });

  test('does not know what did not happen', async () => {
    assert.equal((await call('GET', '/truth?id=nobody')).status, 404);
  });
});

test('connections are kept alive', async () => {
  const port = Number(new URL(server.url).port);
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  for (let i = 1; i <= 3; i++) {
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('an answer', async () => text.split('HTTP/1.1 200').length === i + 1);
  }
  socket.destroy();
});

test('an idle server uses no CPU', async () => {
  await until('it is idle', async () => (await load()).running === 0);
  await sleep(50);
  const cpu = process.cpuUsage();
  await sleep(300);
  const { user, system } = process.cpuUsage(cpu);
  assert.ok(user + system < 100_000, `${user + system} us of CPU in 300 ms`);
});

test('closing ends open streams', async () => {
  const other = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0 });
  const stream = fetch(`${other.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ prompt: 'a', max_tokens: 10_000, stream: true }),
  });
  const reply = await stream;
  await other.close();
  await assert.rejects(reply.text());
  await assert.rejects(fetch(`${other.url}/health`));
});

test('a port that is taken is the user’s to change', async () => {
  const port = Number(new URL(server.url).port);
  await assert.rejects(
    serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port }),
    (error) => error instanceof UserError && error.message.includes('--port'),
  );
});
