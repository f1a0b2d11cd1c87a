import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openTarget, run } from '../../src/index.ts';
import { readJson, temporaryFolder } from '../cli.ts';
import { freePort } from '../servers.ts';
import { chatServer } from './chat-server.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
const REQUESTS = 5;
const rows = Array.from({ length: REQUESTS }, (_, i) => `${(i * 0.02).toFixed(2)},64,1`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
const server = await chatServer(folder, { overhead: 5 });
after(() => server.close());

/** Whether a request belongs to a replay: to one of its requests, or to the watch of the server's metrics. */
const isOfReplay = (path: string): boolean => path === '/v1/chat/completions' || path === '/metrics';

describe('two runs on one session over HTTP', () => {
  it('the second detects nothing and measures no prompts', async () => {
    const infos: string[] = [];
    const log = { info: (text: string) => void infos.push(text), warn: () => undefined };
    const target = await openTarget(
      { target: server.url.href, endpoint: 'chat', tokenizer: server.tokenizer },
      { log },
    );
    const opened = server.seen.length;
    assert.ok(server.seen.some(({ path }) => path === '/v1/models'));
    const first = await run({ workload: trace, target, out: join(folder, 'first') });
    const second = await run({ workload: trace, target, out: join(folder, 'second') });
    await target.close();
    for (const { summary } of [first, second]) assert.equal(summary.requests.ok, REQUESTS);
    const since = server.seen.slice(opened);
    assert.deepEqual(
      since.filter(({ path }) => !isOfReplay(path)),
      [],
    );
    const ids = since.flatMap(({ headers }) => headers['x-request-id'] ?? []);
    assert.equal(ids.filter((id) => id.startsWith('first-r')).length, REQUESTS);
    assert.equal(ids.filter((id) => id.startsWith('second-r')).length, REQUESTS);
    assert.equal(ids.length, 2 * REQUESTS);
    assert.equal(infos.filter((text) => text.includes('--endpoint chat')).length, 1, 'told once what the server is');
    const lengths = (dir: string): unknown => readJson(dir, 'run.json')['prompts'];
    assert.deepEqual(lengths(second.dir), lengths(first.dir));
  });

  it('starts no process for the second, and ends that of the session with it', async () => {
    const port = await freePort();
    const started = join(folder, 'started');
    const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
    const start = `echo started >> "${started}"; exec "${process.execPath}" "${cli}" engine serve --port ${port}`;
    const url = `http://127.0.0.1:${port}`;
    const target = await openTarget({ target: url, start });
    const runs = [];
    for (const name of ['a', 'b']) runs.push(await run({ workload: trace, target, out: join(folder, name) }));
    assert.ok((await fetch(`${url}/health`)).ok);
    await target.close();
    await assert.rejects(fetch(`${url}/health`));
    for (const { summary } of runs) assert.equal(summary.requests.ok, REQUESTS);
    assert.equal(readFileSync(started, 'utf8'), 'started\n');
    assert.match(readFileSync(join(folder, 'a', 'server.log'), 'utf8'), /listening on/);
  });

  it('options of the target belong to the session: given with a run they are refused', async () => {
    const target = await openTarget({ target: 'reference:vllm-v1', clock: 'virtual' });
    const odd = { workload: trace, target, adapter: 'vllm' };
    await assert.rejects(run(odd), /--adapter|Unrecognized key/);
    await target.close();
  });
});

it('two runs on one virtual session are the same, byte for byte: each has an engine of its own', async () => {
  const target = await openTarget({ target: 'reference:vllm-v1', clock: 'virtual' });
  const hashes: unknown[] = [];
  for (const name of ['v1', 'v2']) {
    const { summary } = await run({ workload: trace, target, out: join(folder, name) });
    hashes.push(summary.records_sha256);
  }
  await target.close();
  assert.equal(typeof hashes[0], 'string');
  assert.equal(hashes[0], hashes[1]);
});
