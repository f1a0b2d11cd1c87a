import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, describe, it } from 'node:test';
import { USUAL_BODY, type BodyOptions } from '../../adapters/body-options.ts';
import { ALL_CAPABILITIES, type ApiEndpoint } from '../../adapters/index.ts';
import { UserError } from '../../src/core/errors.ts';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine, type DIALECT_NAMES } from '../../src/engine/server/index.ts';
import { detect, type Detected } from '../../src/serving/detect.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse, streamTokens } from '../servers.ts';

const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

interface Wish {
  readonly adapter?: string;
  readonly endpoint?: ApiEndpoint;
  readonly model?: string;
  readonly patienceMs?: number;
  readonly mayEcho?: boolean;
  readonly body?: BodyOptions;
}

function ask(url: string, wish: Wish = {}): Promise<Detected> {
  const asked = {
    adapter: 'auto',
    endpoint: null,
    model: null,
    body: USUAL_BODY,
    runId: 'run',
    patienceMs: 5000,
    mayEcho: true,
    prefers: null,
    ...wish,
  };
  const access = { url: new URL(url), headers: { 'x-key': 'secret' }, insecure: false };
  return detect(access, asked, promptMaker({ seed: 1, blockTokens: null }));
}

async function engine(dialect: (typeof DIALECT_NAMES)[number]): Promise<string> {
  const server = await serveEngine(parseEngineSpec('max_model_len=2000'), { host: '127.0.0.1', port: 0, dialect });
  closing.push(() => server.close());
  return server.url;
}

type Json = Readonly<Record<string, unknown>>;
type Answer = (response: ServerResponse, body: Json, path: string, request: IncomingMessage) => void;

/** A server whose GETs give `pages`, and whose POSTs do what `answer` says; what was posted is kept. */
async function fake(pages: Json, answer: Answer): Promise<{ url: string; posted: Json[] }> {
  const posted: Json[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    if (request.method === 'GET') {
      if (path in pages) response.setHeader('content-type', 'application/json').end(JSON.stringify(pages[path]));
      else response.writeHead(404).end('{"detail":"Not Found"}');
      return;
    }
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body: unknown = JSON.parse(text);
    assert.ok(typeof body === 'object' && body !== null);
    posted.push({ ...body });
    answer(response, { ...body }, path, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, posted };
}

const models = (more: Json = {}): Json => ({ '/v1/models': { data: [{ id: 'tiny', ...more }] } });
const refuse = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const isUserError =
  (exitCode: number, message: RegExp) =>
  (thrown: unknown): boolean =>
    thrown instanceof UserError && thrown.exitCode === exitCode && message.test(thrown.message);

describe('detect, the reference engine in each dialect', () => {
  const cases = [
    ['vllm', 'vllm', 'completions', ALL_CAPABILITIES, 'token_ids', 'reprise'],
    ['sglang', 'sglang', 'generate', ALL_CAPABILITIES, 'usage', 'reprise'],
    [
      'openai',
      'openai',
      'completions',
      { ...ALL_CAPABILITIES, continuousUsage: false, returnTokenIds: false, ignoreEos: false, minTokens: false },
      'chunks',
      'reprise',
    ],
  ] as const;
  for (const [dialect, adapter, endpoint, capabilities, countedBy, name] of cases)
    it(`${dialect}: adapter ${adapter} on ${endpoint}, counted by ${countedBy}`, async () => {
      const found = await ask(await engine(dialect));
      assert.deepEqual(
        [found.adapter, found.endpoint, found.capabilities, found.counting?.by, found.engine, found.contextTokens],
        [adapter, endpoint, capabilities, countedBy, name, 2000],
      );
      assert.equal(found.model, 'llama-3.1-8b');
      assert.equal(found.warnings.length, dialect === 'openai' ? 1 : 0, found.warnings.join('\n'));
    });

  it('distserve: by the list of its routes, without a model, and with no field that it does not know', async () => {
    const found = await ask(await engine('distserve'));
    assert.deepEqual(
      [found.engine, found.adapter, found.endpoint, found.counting?.by, found.contextTokens, found.warnings],
      ['distserve', 'distserve', 'generate', 'chunks', null, []],
    );
    assert.deepEqual([found.capabilities?.ignoreEos, found.capabilities?.tokenIdPrompts], [true, false]);
    const body = { ...USUAL_BODY, stream: false };
    const whole = await ask(await engine('distserve'), { body });
    assert.deepEqual([whole.adapter, whole.counting?.by], ['distserve', 'usage']);
    await assert.rejects(ask(await engine('vllm'), { body }), isUserError(2, /--no-stream: adapter vllm times tokens/));
  });

  it('a named adapter and endpoint are kept, and probed all the same', async () => {
    const url = await engine('openai');
    const found = await ask(url, { adapter: 'vllm', endpoint: 'chat' });
    assert.deepEqual([found.adapter, found.endpoint, found.capabilities?.ignoreEos], ['vllm', 'chat', false]);
    const onSglang = await ask(await engine('sglang'), { endpoint: 'chat' });
    assert.deepEqual([onSglang.adapter, onSglang.endpoint, onSglang.counting?.by], ['sglang', 'chat', 'usage']);
  });
});

describe('detect, servers by what they say', () => {
  it('takes the engine from the owner of the model, its version and context from its pages', async () => {
    const vllm = await fake(
      {
        ...models({ owned_by: 'vllm', max_model_len: 4096 }),
        '/version': { version: '0.32.0' },
        '/server_info': { vllm_config: 'x' },
      },
      (response) => void streamTokens(response, 2, 0),
    );
    const found = await ask(vllm.url);
    assert.deepEqual(
      [found.engine, found.version, found.adapter, found.contextTokens],
      ['vllm', '0.32.0', 'vllm', 4096],
    );
    const sglang = await fake(
      {
        ...models({ owned_by: 'sglang' }),
        '/get_server_info': { version: '0.5.3', model_path: 'm', context_length: 777 },
      },
      (response, _body, path) => {
        if (path === '/generate')
          response.end(
            sse({ text: 'a', meta_info: { completion_tokens: 2, finish_reason: { type: 'length' } } }) + DONE,
          );
        else response.writeHead(404).end();
      },
    );
    const other = await ask(sglang.url);
    assert.deepEqual(
      [other.engine, other.version, other.endpoint, other.contextTokens],
      ['sglang', '0.5.3', 'generate', 777],
    );
  });

  it('takes the router of SGLang, which says less, for SGLang too', async () => {
    const router = await fake(
      {
        ...models({ owned_by: 'local' }),
        '/get_server_info': { router_manager: true, workers_count: 1 },
        '/get_model_info': { model_path: 'm', tokenizer_path: 'm', is_generation: true },
      },
      (response) =>
        response.end(sse({ text: 'a', meta_info: { completion_tokens: 2, finish_reason: { type: 'length' } } }) + DONE),
    );
    const { adapter, endpoint, version, contextTokens } = await ask(router.url);
    assert.deepEqual([adapter, endpoint, version, contextTokens], ['sglang', 'generate', null, null]);
  });

  it('has tokens counted by usage where prompts are too long to be brought back', async () => {
    const found = await ask(await engine('vllm'), { mayEcho: false });
    assert.deepEqual([found.capabilities?.returnTokenIds, found.counting?.by], [false, 'usage']);
  });

  it('knows usage in each chunk where token ids do not come', async () => {
    const { url, posted } = await fake(models({ owned_by: 'vllm' }), (response, body) => {
      const { stream_options: options } = body;
      const counts = typeof options === 'object' && options !== null && 'continuous_usage_stats' in options;
      const chunk = (total: number): Json => ({
        choices: [{ text: '', finish_reason: null }],
        ...(counts ? { usage: { completion_tokens: total } } : {}),
      });
      response.end([1, 2].map((total) => sse(chunk(total))).join('') + DONE);
    });
    const { capabilities, counting } = await ask(url);
    assert.deepEqual(
      [capabilities?.continuousUsage, capabilities?.returnTokenIds, counting?.by],
      [true, false, 'usage'],
    );
    assert.equal(posted.length, 2);
  });

  it('knows token ids where usage does not come with each chunk', async () => {
    const { url, posted } = await fake(models({ owned_by: 'vllm' }), (response, body) => {
      const ids = body['return_token_ids'] === true ? { token_ids: [5] } : {};
      response.end([1, 2].map(() => sse({ choices: [{ text: '', finish_reason: null, ...ids }] })).join('') + DONE);
    });
    const { capabilities, counting } = await ask(url);
    assert.deepEqual([capabilities?.returnTokenIds, counting?.by], [true, 'token_ids']);
    assert.equal(posted.length, 1);
  });

  it('goes on to chat where there are no completions, unless completions were asked for', async () => {
    const { url } = await fake(models(), (response, body, path) => {
      if (path !== '/v1/chat/completions') refuse(response, 404, { error: { message: 'This is a chat model' } });
      else if ('max_completion_tokens' in body)
        refuse(response, 422, {
          detail: [{ loc: ['body', 'max_completion_tokens'], msg: 'Extra inputs are not permitted', input: 2 }],
        });
      else response.end(sse({ choices: [{ delta: { content: 'a b' }, finish_reason: 'length' }] }) + DONE);
    });
    const found = await ask(url);
    assert.deepEqual([found.endpoint, found.capabilities?.maxCompletionTokens], ['chat', false]);
    assert.match(found.warnings.join('\n'), /404 on \/v1\/completions: This is a chat model; --endpoint chat is used/);
    await assert.rejects(ask(url, { endpoint: 'completions' }), isUserError(3, /This is a chat model/));
  });

  it('notices that a limit was not heeded', async () => {
    const { url, posted } = await fake(models(), (response, body) => {
      const tokens = 'max_tokens' in body ? 2 : 9;
      response.end(
        Array.from({ length: tokens }, () => sse({ choices: [{ delta: { content: 'a' } }] })).join('') + DONE,
      );
    });
    const { capabilities } = await ask(url, { endpoint: 'chat' });
    assert.equal(capabilities?.maxCompletionTokens, false);
    assert.ok('max_tokens' in (posted.at(-1) ?? {}));
  });

  it('drops exactly the fields that are named, one refusal after another', async () => {
    const refused: string[] = [];
    const { url } = await fake(models(), (response, body) => {
      const field = ['min_tokens', 'stream_options'].find((name) => name in body);
      if (field === undefined) void streamTokens(response, 2, 0);
      else {
        refused.push(field);
        // The whole body comes back, as from FastAPI, and names everything.
        refuse(response, 422, {
          detail: [{ loc: ['body', field], msg: 'Extra inputs are not permitted', input: body }],
        });
      }
    });
    const { capabilities } = await ask(url);
    assert.deepEqual(refused, ['min_tokens', 'stream_options']);
    const { ignoreEos, minTokens, finalUsage, tokenIdPrompts } = capabilities ?? {};
    assert.deepEqual([ignoreEos, minTokens, finalUsage, tokenIdPrompts], [true, false, false, true]);
  });
});

describe('detect, servers by the list of their routes', () => {
  const routes = (...paths: string[]): Json => ({
    '/openapi.json': { paths: Object.fromEntries(paths.map((path) => [path, { post: {} }])) },
  });

  it('takes none for DistServe that lists models or has other routes, and posts nothing to find out', async () => {
    const others = [
      { ...routes('/generate'), ...models() },
      routes('/generate', '/v1/completions'),
      routes('/v1/completions'),
      { '/openapi.json': { paths: { '/generate': { get: {} } } } },
      { '/openapi.json': 'none' },
    ];
    for (const pages of others) {
      const { url, posted } = await fake(pages, (response) => void streamTokens(response, 2, 0));
      assert.equal((await ask(url)).adapter, 'openai', JSON.stringify(pages));
      assert.ok(posted.every((body) => 'model' in body));
    }
  });

  it('one that has the route of DistServe and speaks otherwise is named, exit 3', async () => {
    const { url } = await fake(routes('/generate'), (response) => void streamTokens(response, 2, 0));
    await assert.rejects(ask(url), isUserError(3, /no stream of tokens that adapter distserve understands.*data: /));
    const { posted, url: failing } = await fake(routes('/generate'), (response) =>
      response.writeHead(500).end('Internal Server Error'),
    );
    const { warnings } = await ask(failing);
    assert.match(warnings.join(), /500 on \/generate: Internal Server Error \(only the log of the server says why\)/);
    assert.equal(posted.length, 1);
  });

  it('the demo server of old vLLM is read with a named adapter', async () => {
    const { url } = await fake({}, (response, body) => {
      const texts = Array.from({ length: Number(body['max_tokens']) }, (_, i) => [`prompt${' a'.repeat(i + 1)}`]);
      response.end(texts.map((text) => `${JSON.stringify({ text })}\0`).join(''));
    });
    const { endpoint, counting } = await ask(url, { adapter: 'distserve' });
    assert.deepEqual([endpoint, counting?.by], ['generate', 'chunks']);
  });
});

describe('detect, hostile servers', () => {
  it('one that refuses every field and names none still works when a plain request does', async () => {
    const { url } = await fake(models(), (response, body) => {
      const plain = ['model', 'prompt', 'max_tokens', 'temperature', 'stream'];
      if (typeof body['prompt'] === 'string' && Object.keys(body).every((key) => plain.includes(key)))
        void streamTokens(response, 2, 0);
      else refuse(response, 400, { error: { message: 'bad request' } });
    });
    const { capabilities, warnings } = await ask(url);
    assert.ok(Object.values(capabilities ?? { none: true }).every((known) => !known));
    assert.match(warnings.join('\n'), /ignore_eos[\s\S]*token ids/);
  });

  it('one that refuses everything is named with its own words, exit 3', async () => {
    const { url, posted } = await fake(models(), (response) =>
      refuse(response, 400, { error: { message: 'go away' } }),
    );
    await assert.rejects(ask(url, { endpoint: 'completions' }), isUserError(3, /400 on \/v1\/completions: go away/));
    assert.ok(posted.length < 10, `${posted.length} requests`);
  });

  it('one that answers HTML, a whole answer rather than a stream, an endless event, or nothing, is no target', async () => {
    const line = `data: ${'x'.repeat(9 * 1024 ** 2)}\n`;
    const endless = line + line;
    for (const body of [
      endless,
      '<html>hello</html>',
      '{"choices":[{"text":"a b"}]}',
      '',
      'data: <html>\n\n',
      'data: {}\n\n',
    ]) {
      const { url } = await fake(models(), (response) => response.setHeader('content-type', 'text/html').end(body));
      await assert.rejects(
        ask(url),
        isUserError(3, /no stream of tokens that adapter openai understands/),
        body.slice(0, 40),
      );
    }
  });

  it('one that refuses the key, on the list or on the request', async () => {
    const { url } = await fake(models(), (response) => refuse(response, 401, {}));
    await assert.rejects(ask(url), isUserError(3, /refuses the credentials \(401 on \/v1\/completions\)/));
  });

  it('one that hangs, or is busy, is taken to know the usual, with a warning', async () => {
    const mute = await fake(models(), () => undefined);
    const started = performance.now();
    const found = await ask(mute.url, { patienceMs: 300 });
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual([found.capabilities, found.counting], [null, null]);
    assert.match(found.warnings.join('\n'), /did not answer/);
    const busy = await fake(models(), (response) => refuse(response, 503, { error: { message: 'overloaded' } }));
    const tired = await ask(busy.url, { patienceMs: 400 });
    assert.deepEqual([tired.capabilities, busy.posted.length], [null, 4]);
    assert.match(tired.warnings.join('\n'), /503 on \/v1\/completions: overloaded/);
    let asked = 0;
    const soon = await fake(models(), (response) => {
      if (asked++ < 2) refuse(response, 429, { error: { message: 'slow down' } });
      else void streamTokens(response, 2, 0);
    });
    assert.equal((await ask(soon.url)).counting?.by, 'chunks');
  });

  for (const error of [
    sse({ error: { message: 'prompt: expected a string' } }) + DONE,
    'event: error\r\ndata: {"message":"prompt: expected a string"}\r\n\r\n',
  ])
    it(`an error inside of a 200 stream is a refusal: ${error.slice(0, 12)}`, async () => {
      const { url } = await fake(models(), (response, body) => {
        if (Array.isArray(body['prompt'])) response.end(error);
        else void streamTokens(response, 2, 0);
      });
      assert.equal((await ask(url)).capabilities?.tokenIdPrompts, false);
    });
});
