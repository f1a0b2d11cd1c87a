import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { run } from '../../src/index.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { recordingServer, type Answer, type RecordingServer } from '../recording-server.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const servers: RecordingServer[] = [];
after(() => Promise.all(servers.map(({ close }) => close())));
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,10,3\n0.05,12,3\n');

const MODELS = { page: { data: [{ id: 'tiny' }] } };
const METRICS = { page: 'vllm:num_requests_running{model_name="tiny"} 1\n' };
const VERSION = { page: { version: '0.9.9' } };

async function server(routes: Readonly<Record<string, Answer>>): Promise<RecordingServer> {
  const made = await recordingServer(routes);
  servers.push(made);
  return made;
}

interface Case {
  /** Of the URL, after the port. */
  readonly url: string;
  readonly routes: Readonly<Record<string, Answer>>;
  /** Path of the requests of the run, with its query. */
  readonly asked: string;
  readonly options?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    url: '/openai/v2',
    routes: { '/openai/v2/completions': 'tokens', '/openai/v2/models': MODELS },
    asked: '/openai/v2/completions',
  },
  {
    url: '/custom/path?api-version=2024-02-01',
    routes: { '/custom/path/chat/completions': 'tokens' },
    asked: '/custom/path/chat/completions?api-version=2024-02-01',
  },
  {
    url: '/custom/path?api-version=2024-02-01',
    routes: { '/custom/path/v1/chat/completions': 'tokens' },
    asked: '/custom/path/v1/chat/completions?api-version=2024-02-01',
  },
  {
    url: '/prefix',
    routes: { '/prefix/models': MODELS, '/prefix/completions': 'tokens' },
    asked: '/prefix/completions',
  },
  { url: '/v1/', routes: { '/v1/completions': 'tokens', '/v1/models': MODELS }, asked: '/v1/completions' },
  {
    url: '/deployments/a/chat/completions?api-version=1',
    routes: { '/deployments/a/chat/completions': 'tokens', '/deployments/a/completions': 'tokens' },
    asked: '/deployments/a/chat/completions?api-version=1',
  },
];

describe('a server at any URL', { concurrency: 2 }, () => {
  for (const [i, { url, routes, asked }] of CASES.entries())
    it(`${url}: requests go to ${asked}, and its pages are found`, async () => {
      const target = await server({ '/metrics': METRICS, '/version': VERSION, ...routes });
      const out = join(folder, `case-${i}`);
      await run({ workload: trace, target: `http://127.0.0.1:${target.port}${url}`, out });
      const sent = target.seen.filter(({ headers }) => /-r\d+$/.test(String(headers['x-request-id'])));
      assert.deepEqual(
        sent.map(({ path }) => path),
        [asked, asked],
      );
      const query = url.replace(/^[^?]*/, '');
      assert.ok(
        target.seen.every(({ path }) => path.endsWith(query)),
        'the query is in every call',
      );
      const { requests, server: metrics } = readSummary(out);
      assert.deepEqual([requests.ok, metrics === null], [2, false]);
      assert.equal(readRunFile(out).target.facts['version'], '0.9.9');
    });

  it('a key in its query is in every call, and in no file, message or name', async () => {
    const target = await server({ '/v1/models': MODELS, '/v1/completions': 'tokens' });
    const out = join(folder, 'key');
    const url = `http://127.0.0.1:${target.port}/v1?key=hunter2hunter2`;
    const { code, stderr, stdout } = await cli('run', trace, '--target', url, '--out', out);
    assert.equal(code, 0, stderr);
    assert.ok(target.seen.every(({ path }) => path.endsWith('?key=hunter2hunter2')));
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const texts = files.map(({ parentPath, name }) => name + readFileSync(join(parentPath, name), 'latin1'));
    assert.doesNotMatch([...texts, stderr, stdout].join('\n'), /hunter2/);
    assert.equal(readRunFile(out).target.spec, url.replace('hunter2hunter2', '***'));
  });

  it('a key in its query is in no error, whoever quotes it', async () => {
    const refusal: Answer = { status: 400, text: '{"error":{"message":"bad key hunter2hunter2"}}' };
    const refusing = await server({ '/v1/completions': refusal, '/v1/chat/completions': refusal });
    const odd = await server({ '/v1/completions': { page: 'hunter2hunter2 is not a key' } });
    const plain = await server({ '/v1/completions': 'tokens' });
    const closed = 'http://127.0.0.1:9/v1?key=hunter2hunter2';
    const urlOf = ({ port }: RecordingServer): string => `http://127.0.0.1:${port}/v1?key=hunter2hunter2`;
    for (const [options, names] of [
      [{ target: urlOf(refusing) }, /400 on \/v1\/completions: bad key \*\*\*/],
      [{ target: urlOf(odd) }, /"\*\*\* is not a key"/],
      [{ target: urlOf(plain), resetCache: true }, /--reset-cache: .*has neither/],
      [{ target: urlOf(plain), model: 'other', endpoint: 'chat' }, /404 on \/v1\/chat\/completions/],
      [{ target: urlOf(plain), clock: 'virtual' }, /--clock virtual needs/],
      [{ target: closed }, /cannot reach http:\/\/127\.0\.0\.1:9\/v1: /],
      [{ target: urlOf(plain), start: 'exit 1' }, /answers already/],
      [{ target: 'http://127.0.0.1:9/v1', start: 'exit 1', ready: closed }, /the server ended with exit code 1/],
    ] as const)
      await assert.rejects(run({ workload: trace, out: join(folder, 'none'), ...options }), (thrown: Error) => {
        assert.match(thrown.message, names);
        assert.doesNotMatch(thrown.message, /hunter2/);
        return true;
      });
    assert.equal(existsSync(join(folder, 'none')), false);
  });
});
