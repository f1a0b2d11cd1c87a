import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { cli, readJson, temporaryFolder } from '../cli.ts';
import { DONE, serve, sse, streamTokens, type TestServer } from '../servers.ts';
import { readSummary } from '../written-files.ts';

const folder = temporaryFolder();
let server: TestServer;
before(async () => {
  server = await serve((_index, request, response, body) => {
    if (request.url !== '/v1/chat/completions') {
      void streamTokens(response, 2, 0);
      return;
    }
    // What it was sent comes back as its answer.
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const content = JSON.stringify(body);
    response.write(sse({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }));
    response.write(sse({ choices: [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }] }));
    response.end(sse({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 2 } }) + DONE);
  });
});
after(() => server.close());

const trace = (name: string, ...rows: readonly object[]): string => {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
};
const bodies = (): unknown[] =>
  server.seen.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => body);

it('conversations: each prompt is the one of the corpus, on the chat endpoint, and estimates are not judged', async () => {
  const path = trace('sharegpt.jsonl', {
    id: 'a',
    conversations: [
      { from: 'human', value: 'hi "there" 🎈' },
      { from: 'gpt', value: 'hello' },
      { from: 'human', value: 'and now?' },
      { from: 'gpt', value: 'nothing' },
    ],
  });
  const out = join(folder, 'sharegpt');
  const { code, stderr, stdout } = await cli(
    'run',
    path,
    '--target',
    server.url.href,
    '--concurrent-sessions',
    '1',
    '--history',
    'trace',
    '--out',
    out,
  );
  assert.equal(code, 0, stderr);
  const sent = bodies().map((body) =>
    typeof body === 'object' && body !== null && 'messages' in body ? body.messages : null,
  );
  assert.deepEqual(sent, [
    [{ role: 'user', content: 'hi "there" 🎈' }],
    [
      { role: 'user', content: 'hi "there" 🎈' },
      { role: 'assistant', content: 'hello' },
      { role: 'user', content: 'and now?' },
    ],
  ]);
  assert.doesNotMatch(stdout + stderr, /not as long as planned|plain words/);
  assert.match(stderr, /lengths are estimates, 4 characters a token/);
  const { workload } = readJson(out, 'run.json');
  assert.ok(typeof workload === 'object' && workload !== null && 'own_prompts' in workload);
  assert.deepEqual(workload.own_prompts, { texts: 0, ids: 0, messages: 2, bodies: 0, estimated: 2 });
});

it('bodies of a batch are sent as they stand; the model that is not served is that of the run', async () => {
  server.seen.length = 0;
  const body = { model: 'gpt-9', messages: [{ role: 'user', content: 'x' }], max_tokens: 7, temperature: 0.3, seed: 5 };
  const path = trace('batch.jsonl', { custom_id: 'one', method: 'POST', url: '/v1/chat/completions', body });
  const out = join(folder, 'batch');
  const { code, stderr, stdout } = await cli(
    'run',
    path,
    '--target',
    server.url.href,
    '--concurrent-sessions',
    '1',
    '--out',
    out,
  );
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /batch\.jsonl names a model that the server does not list \("gpt-9"\): such requests ask for tiny/,
  );
  const [sent] = bodies();
  assert.deepEqual(sent, { ...body, model: 'tiny', stream: true, stream_options: { include_usage: true } });
  assert.doesNotMatch(stdout, /Outputs are (?:shorter|longer)/);
  assert.equal(readSummary(out).requests.ok, 1);
});

it('prompts that the endpoint does not take are refused before anything is sent, with the way out', async () => {
  server.seen.length = 0;
  const path = trace('messages.jsonl', { messages: [{ role: 'user', content: 'x' }], max_tokens: 3 });
  const on = (...options: readonly string[]): ReturnType<typeof cli> =>
    cli(
      'run',
      path,
      '--target',
      server.url.href,
      '--concurrent-sessions',
      '1',
      '--out',
      join(folder, 'none'),
      ...options,
    );
  const { code, stderr } = await on('--endpoint', 'completions');
  assert.equal(code, 2);
  assert.match(
    stderr,
    /its prompts are messages of a chat \(1 of 1 requests\), which .* completions endpoint does not take: write --endpoint chat/,
  );
  assert.equal(bodies().length, 0);
});
