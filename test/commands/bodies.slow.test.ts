import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { run } from '../../src/index.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { recordingServer, type Answer, type RecordingServer } from '../recording-server.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const servers: RecordingServer[] = [];
after(() => Promise.all(servers.map(({ close }) => close())));
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,10,3\n0.05,12,3\n');

const MODELS = { page: { data: [{ id: 'tiny' }] } };
async function server(routes: Readonly<Record<string, Answer>>): Promise<RecordingServer> {
  const made = await recordingServer({ '/v1/models': MODELS, ...routes });
  servers.push(made);
  return made;
}
const posts = ({ seen }: RecordingServer): RecordingServer['seen'] => seen.filter(({ method }) => method === 'POST');

describe('the bodies of requests', { concurrency: 2 }, () => {
  for (const endpoint of ['completions', 'chat'])
    it(`of ${endpoint}: the user's fields are in every one, those before the run too, and in run.json`, async () => {
      const target = await server({ '/v1/completions': 'tokens', '/v1/chat/completions': 'tokens' });
      const out = join(folder, endpoint);
      const extra = { top_p: 0.9, stream_options: { more: true }, api_key: 'hunter2hunter2' };
      const url = `http://127.0.0.1:${target.port}`;
      const set = ['--no-ignore-eos', '--temperature', '0.5', '--extra-body', JSON.stringify(extra)];
      const before = ['--endpoint', endpoint, '--warmup-requests', '1'];
      const result = await cli('run', trace, '--target', url, ...before, ...set, '--out', out);
      assert.equal(result.code, 0, result.stderr);
      const sent = posts(target);
      const ofRun = sent.filter(({ headers }) => /-(r\d+)$/.test(String(headers['x-request-id'])));
      assert.equal(ofRun.length, 2);
      assert.ok(sent.length > 3, 'the probe, the warm-up request and, of chat, those that measure prompts');
      for (const { body } of sent) {
        assert.deepEqual([body?.['top_p'], body?.['temperature'], body?.['api_key']], [0.9, 0.5, extra.api_key]);
        assert.deepEqual([body?.['ignore_eos'], body?.['min_tokens']], [undefined, undefined]);
      }
      assert.deepEqual(ofRun[0]?.body?.['stream_options'], { include_usage: true, more: true });
      const manifest = readRunFile(out);
      assert.deepEqual([manifest.ignore_eos, manifest.temperature], [false, 0.5]);
      assert.deepEqual(manifest.extra_body, { ...extra, api_key: '***' });
      assert.doesNotMatch(result.stderr, /does not know ignore_eos/, 'it was not asked');
      assert.equal('ignore_eos' in manifest.target.facts, false);
      const files = ['run.json', 'summary.json', 'report.html'].map((name) => readFileSync(join(out, name), 'utf8'));
      assert.doesNotMatch(files.join('') + result.stderr + result.stdout, /hunter2/);
    });

  it('a key in them that a server quotes is shown nowhere', async () => {
    const refusal = { status: 400, text: '{"error":{"message":"bad api_key hunter2hunter2"}}' };
    const target = await server({ '/v1/completions': refusal, '/v1/chat/completions': refusal });
    const given = { workload: trace, target: `http://127.0.0.1:${target.port}`, out: join(folder, 'refused') };
    await assert.rejects(run({ ...given, extraBody: { api_key: 'hunter2hunter2' } }), /: bad api_key \*\*\*;/);
  });

  it('a program may give an object; with a codec of its own it sets them there', async () => {
    const target = await server({ '/v1/completions': 'tokens' });
    const given = { workload: trace, target: `http://127.0.0.1:${target.port}`, extraBody: { top_k: 5 } };
    const { manifest } = await run({ ...given, out: join(folder, 'program') });
    assert.deepEqual(manifest.extra_body, { top_k: 5 });
    assert.ok(posts(target).every(({ body }) => body?.['top_k'] === 5));
    const options = { endpoint: 'completions', model: 'm', runId: 'r' } as const;
    await assert.rejects(
      run({ ...given, codec: (prompts) => openAiCodec(options, prompts), out: join(folder, 'codec') }),
      /--extra-body, --temperature, --no-stream and --no-ignore-eos: a codec of your own/,
    );
  });

  it('in virtual time there are none, and that is said', async () => {
    const warnings: string[] = [];
    const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
    const out = join(folder, 'virtual');
    const target = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
    await run({ workload: trace, target, clock: 'virtual', ignoreEos: false, salt: 'x', out }, { log });
    assert.match(
      warnings.join('\n'),
      /^--no-ignore-eos and --salt do nothing in virtual time: its requests are lengths and prefix blocks$/,
    );
    assert.equal(readRunFile(out).salt, null);
  });
});
