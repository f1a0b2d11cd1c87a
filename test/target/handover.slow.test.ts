import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine, type EngineServer } from '../../src/engine/server/index.ts';
import { run } from '../../src/index.ts';
import { temporaryFolder } from '../cli.ts';
import { allRecords } from '../runs/temporary-run.ts';
import { serve, streamTokens } from '../servers.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.rtrace.jsonl');
const REQUESTS = 30;
const rows = Array.from({ length: REQUESTS }, (_, i) =>
  JSON.stringify({ t_us: i * 50_000, input_tokens: 200 + i, output_tokens: 4 + (i % 9), session: `s${i % 5}` }),
);
writeFileSync(trace, `{"reprise_trace":1}\n${rows.join('\n')}\n`);

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function engine(system: string, decodePort?: number, dialect: 'vllm' | 'sglang' = 'vllm'): Promise<EngineServer> {
  const { warnings: _, ...spec } = parseEngineSpec(system);
  const server = await serveEngine(spec, {
    host: '127.0.0.1',
    port: 0,
    dialect,
    ...(decodePort === undefined ? {} : { decodePort }),
  });
  closing.push(server.close);
  return server;
}

const salt = 'test';

describe('prefill and decode servers, called by the client', () => {
  it("the engine's two ports: every token, what the client saw adds up to TTFT, both sides are watched", async () => {
    const { url, decodeUrl } = await engine('vllm-pd,gpu=h100-sxm', 0);
    const out = join(folder, 'pd');
    const target = `prefill=${url},decode=${decodeUrl}`;
    const { summary, manifest } = await run({ workload: trace, target, salt, out });
    assert.equal(summary.requests.ok, REQUESTS);
    assert.deepEqual(
      [manifest.target.adapter, manifest.target.facts['handover'], manifest.target.facts['prefill']],
      ['disaggregated', 'vllm', 1],
    );
    for (const record of await allRecords(out)) {
      const { sent_us, first_token_us, prefill_call_us, handover_us, first_decode_us } = record;
      assert.equal(record.output_tokens, record.output_tokens_planned);
      assert.ok(sent_us !== null && first_token_us !== null);
      const sum = (prefill_call_us ?? NaN) + (handover_us ?? NaN) + (first_decode_us ?? NaN);
      assert.ok(Math.abs(sum - (first_token_us - sent_us)) <= 3, `${sum} of ${first_token_us - sent_us}`);
      assert.ok((prefill_call_us ?? 0) >= (record.prefill_us ?? Infinity), 'the engine tells its own part');
      assert.ok((record.transfer_us ?? 0) > 0 && (record.decode_us ?? 0) > 0);
    }
    assert.ok(summary.server !== null && summary.server.latency_ms.ttft === null, 'no server sees a whole TTFT');
  });

  it("SGLang's bootstrap on the engine's two ports, whose bootstrap port is asked of it", async () => {
    const { url, decodeUrl } = await engine('vllm-pd,gpu=h100-sxm', 0, 'sglang');
    const out = join(folder, 'sglang');
    const { summary, manifest } = await run({
      workload: trace,
      target: `prefill=${url},decode=${decodeUrl}`,
      salt,
      out,
    });
    assert.deepEqual([summary.requests.ok, manifest.target.facts['handover']], [REQUESTS, 'sglang']);
    for (const record of await allRecords(out)) {
      const { sent_us, first_token_us, prefill_call_us, handover_us, first_decode_us } = record;
      assert.equal(record.output_tokens, record.output_tokens_planned);
      const sum = (prefill_call_us ?? NaN) + (handover_us ?? NaN) + (first_decode_us ?? NaN);
      assert.ok(Math.abs(sum - ((first_token_us ?? NaN) - (sent_us ?? NaN))) <= 3, `${sum}`);
    }
    await assert.rejects(
      run({ workload: trace, target: `prefill=${decodeUrl},decode=${url}`, out: join(folder, 'swapped') }),
      {
        message: /says that it is a (decode|prefill) server, and it is given as (prefill|decode)=; are they swapped/,
      },
    );
  });

  it('is refused before the run where a server does not hand over', async () => {
    const plain = await serve((_index, _request, response, body) => {
      if (JSON.stringify(body).includes('do_remote_decode')) response.end('{"choices":[{"text":" a"}]}');
      else void streamTokens(response, 3, 0);
    });
    const other = await serve((_index, _request, response) => void streamTokens(response, 3, 0));
    const holding = await serve(
      (_index, _request, response) => void response.end('{"choices":[{"text":" a"}],"kv_transfer_params":{"id":1}}'),
    );
    closing.push(plain.close, other.close, holding.close);
    const target = `prefill=${plain.url.href},decode=${other.url.href}`;
    const out = join(folder, 'refused');
    await assert.rejects(run({ workload: trace, target, out }), {
      message: /how these servers hand prompts over cannot be told .*name it: --handover vllm, sglang or llm-d/,
    });
    await assert.rejects(run({ workload: trace, target, out, handover: 'vllm' }), {
      message: /could not be handed over by vllm's protocol: .*prefill .* has no kv_transfer_params/,
    });
    const refusing = await serve((_index, _request, response) => void response.writeHead(400).end('{"error":"no"}'));
    closing.push(refusing.close);
    const held = `prefill=${holding.url.href},decode=${refusing.url.href}`;
    await assert.rejects(run({ workload: trace, target: held, out, handover: 'vllm' }), {
      message: /decode .*: no; the prefill server has computed the prompt, and holds its KV/,
    });
  });

  it('below a path without a version, and with a model that its decode server lists', async () => {
    const [prefill, decode] = await Promise.all(
      ['{"choices":[{"text":" a"}],"kv_transfer_params":{"id":1}}', null].map((reply) =>
        serve(
          (_index, { url }, response) => {
            if (url === '/api/models') response.end('{"data":[{"id":"m"}]}');
            else if (url !== '/api/completions') response.writeHead(404).end();
            else if (reply !== null) response.end(reply);
            else void streamTokens(response, 13, 0);
          },
          ['/api/models'],
        ),
      ),
    );
    assert.ok(prefill !== undefined && decode !== undefined);
    closing.push(prefill.close, decode.close);
    const target = `prefill=${prefill.url.href}api,decode=${decode.url.href}api`;
    const below = { workload: trace, limit: 1, target, handover: 'vllm', ignoreEos: false } as const;
    assert.equal((await run({ ...below, out: join(folder, 'below') })).summary.requests.ok, 1);
    const { url, decodeUrl } = await engine('vllm-pd', 0, 'sglang');
    const unknown = { workload: trace, target: `prefill=${url},decode=${decodeUrl}`, model: 'nope' };
    await assert.rejects(run({ ...unknown, out: join(folder, 'model') }), { message: /does not serve "nope"/ });
  });

  it('options that do not belong are refused', async () => {
    const url = 'http://127.0.0.1:9';
    for (const [options, message] of [
      [{ target: url, handover: 'vllm' }, /--handover: is for servers with roles/],
      [{ target: url, adapter: 'disaggregated' }, /--adapter disaggregated: is for servers with roles/],
      [{ target: `prefill=${url},decode=${url}0`, adapter: 'openai' }, /--adapter openai: has no hand-over/],
      [
        { target: `prefill=${url},decode=${url}0`, adapter: 'vllm', handover: 'sglang' },
        /--handover sglang: is one of sglang's/,
      ],
      [{ target: `prefill=${url},decode=${url}0`, extraBody: { bootstrap_room: 1 } }, /--extra-body: bootstrap_room/],
    ] as const)
      await assert.rejects(run({ workload: trace, ...options, out: join(folder, 'no') }), { message });
  });
});

it('replicas: each request goes to one, in turn, or with its session', async () => {
  const [a, b] = [await engine('vllm-v1'), await engine('vllm-v1')];
  const idsAt = async ({ url }: EngineServer): Promise<string[]> =>
    (await (await fetch(`${url}/truth`)).text())
      .split('\n')
      .flatMap((line) => /"request_id":"(\w+)-r(\d+)"/.exec(line)?.slice(1).join(' ') ?? []);
  // Two workers take turns as one does.
  const runs = [
    { router: 'round-robin', workers: 2 },
    { router: 'session', workers: 1 },
  ] as const;
  for (const { router, workers } of runs)
    await run({
      workload: trace,
      target: `${a.url}+${b.url}`,
      router,
      workers,
      salt,
      out: join(folder, router.replace('-', '')),
    });
  const [atA, atB] = [await idsAt(a), await idsAt(b)];
  const of = (ids: readonly string[], prefix: string): number[] =>
    ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.split(' ')[1]));
  assert.deepEqual([of(atA, 'roundrobin').length, of(atB, 'roundrobin').length], [REQUESTS / 2, REQUESTS / 2]);
  const sessions = [of(atA, 'session'), of(atB, 'session')].map((all) => new Set(all.map((number) => number % 5)));
  assert.equal(of(atA, 'session').length + of(atB, 'session').length, REQUESTS);
  assert.ok(
    [...(sessions[0] ?? [])].every((session) => sessions[1]?.has(session) !== true),
    'no session is at both',
  );
});
