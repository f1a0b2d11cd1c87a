import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine } from '../../../src/engine/server/index.ts';
import { Histogram, IterationTokens, ServerMetrics } from '../../../src/engine/server/metrics.ts';
import { RecordingListener, smallEngine } from '../small-engine.ts';

/** Samples by name and label, without the labels `engine` and `model_name`. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('# TYPE ')) continue;
    const match = /^([a-z0-9_:]+)\{engine="0",model_name="((?:[^"\\]|\\.)*)"(?:,([a-z_]+="[^"]*"))?\} (\S+)$/.exec(
      line,
    );
    assert.ok(match, line);
    const [, name = '', , label, value] = match;
    found.set(label === undefined ? name : `${name} ${label}`, Number(value));
  }
  return found;
}

test('a histogram counts up to and with its bounds', () => {
  const histogram = new Histogram([0.1, 1]);
  for (const seconds of [0.1, 0.5, 1, 7]) histogram.observe(seconds);
  assert.equal(
    histogram.text('h', 'a="b"'),
    'h_bucket{a="b",le="0.1"} 1\nh_bucket{a="b",le="1"} 3\nh_bucket{a="b",le="+Inf"} 4\nh_sum{a="b"} 8.6\nh_count{a="b"} 4\n',
  );
});

test('tokens, times, ends and preemptions are those of the engine', async () => {
  const clock = new VirtualClock();
  const engine = smallEngine(clock, { capacityBlocks: 4, blockTokens: 16, tokenBudget: 64, maxSeqs: 8 });
  const metrics = new ServerMetrics(engine, 'odd "name"\\', new IterationTokens());
  const listeners = [20, 20, 12].map((inputTokens) => {
    const one = new RecordingListener();
    clock.at(1000, () => {
      const request = { id: 'one', content: null, inputTokens, maxTokens: 20, trueOutputTokens: 20 };
      engine.submit(request, metrics.watch(one, inputTokens, clock.now()));
    });
    return one;
  });
  await clock.run(() => false);
  const page = samples(metrics.text('vllm'));
  const gaps = listeners.flatMap(({ tokenTimesUs }) =>
    tokenTimesUs.slice(1).map((at, i) => at - (tokenTimesUs[i] ?? 0)),
  );
  const firsts = listeners.map(({ tokenTimesUs }) => (tokenTimesUs[0] ?? 0) - 1000);
  const sum = (us: readonly number[]): number => us.reduce((a, b) => a + b, 0) / 1e6;
  assert.equal(page.get('vllm:prompt_tokens_total'), 52);
  assert.equal(page.get('vllm:generation_tokens_total'), 60);
  assert.equal(page.get('vllm:request_success_total finished_reason="length"'), 3);
  assert.equal(page.get('vllm:time_to_first_token_seconds_count'), 3);
  assert.equal(page.get('vllm:inter_token_latency_seconds_count'), 57);
  assert.equal(page.get('vllm:inter_token_latency_seconds_bucket le="80"'), 57);
  const near = (name: string, expected: number): void =>
    assert.ok(Math.abs((page.get(name) ?? 0) - expected) < 1e-9, name);
  near('vllm:time_to_first_token_seconds_sum', sum(firsts));
  near('vllm:inter_token_latency_seconds_sum', sum(gaps));
  near('vllm:e2e_request_latency_seconds_sum', sum(listeners.map(({ endUs }) => endUs - 1000)));
  assert.ok((page.get('vllm:num_preemptions_total') ?? 0) > 0);
  assert.deepEqual(
    ['running', 'waiting'].map((state) => page.get(`vllm:num_requests_${state}`)),
    [0, 0],
  );
});

test('each instance has its own load and iterations; what is counted for the server as a whole has no engine', async () => {
  const clock = new VirtualClock();
  const tokens = new IterationTokens();
  const spec = parseEngineSpec('distserve,model=opt-13b,gpu=a100-sxm-80g,prefill=1,decode=2');
  const engine = createEngine(spec, { clock, onIteration: tokens.watch });
  const metrics = new ServerMetrics(engine, 'm', tokens);
  for (let i = 0; i < 4; i++) {
    const request = { id: String(i), content: null, inputTokens: 100, maxTokens: 10, trueOutputTokens: 10 };
    engine.submit(request, metrics.watch(new RecordingListener(), 100, 0));
  }
  await clock.run(() => false);
  const lines = metrics.text('vllm').split('\n');
  const valuesOf = (name: string): string[] => lines.filter((line) => line.startsWith(`${name}{`));
  const engines = ['engine="0",role="prefill"', 'engine="1",role="decode"', 'engine="2",role="decode"'];
  for (const name of ['vllm:num_requests_running', 'vllm:kv_cache_usage_perc', 'vllm:num_preemptions_total'])
    assert.deepEqual(
      valuesOf(name),
      engines.map((labels) => `${name}{${labels},model_name="m"} 0`),
    );
  assert.deepEqual(valuesOf('vllm:prompt_tokens_total'), ['vllm:prompt_tokens_total{model_name="m"} 400']);
  const computed = engine.instances.map((instance) => instance.load());
  for (const [part, of] of [
    ['sum', computed.map(({ iterationTokens }) => iterationTokens)],
    ['count', computed.map(({ iterations }) => iterations)],
  ] as const)
    assert.deepEqual(
      valuesOf(`vllm:iteration_tokens_total_${part}`),
      engines.map((labels, i) => `vllm:iteration_tokens_total_${part}{${labels},model_name="m"} ${of[i]}`),
    );
  assert.ok(computed.every(({ iterations }) => iterations > 0));
});

test('over HTTP: prompt tokens that were looked up in the prefix cache, and those found', async () => {
  const server = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0 });
  try {
    const prompt = Array.from({ length: 40 }, (_, i) => i + 300);
    const cached: unknown[] = [];
    for (const body of [prompt, prompt, prompt.with(20, 1)]) {
      const reply = await fetch(`${server.url}/v1/completions`, {
        method: 'POST',
        body: JSON.stringify({ prompt: body, max_tokens: 2 }),
      });
      cached.push(JSON.parse(await reply.text()).usage.prompt_tokens_details.cached_tokens);
    }
    // Whole blocks of 16; in the last one the second differs.
    assert.deepEqual(cached, [0, 32, 16]);
    const page = samples(await (await fetch(`${server.url}/metrics`)).text());
    assert.equal(page.get('vllm:prefix_cache_queries_total'), 120);
    assert.equal(page.get('vllm:prefix_cache_hits_total'), 48);
    const reset = await fetch(`${server.url}/reset_prefix_cache`, { method: 'POST' });
    assert.deepEqual([reset.status, await reset.text()], [200, '']);
    const body = JSON.stringify({ prompt, max_tokens: 2 });
    const again = await fetch(`${server.url}/v1/completions`, { method: 'POST', body });
    assert.equal(JSON.parse(await again.text()).usage.prompt_tokens_details.cached_tokens, 0);
  } finally {
    await server.close();
  }
});

test('over HTTP: a running request, the memory it uses, and its abort', async () => {
  const server = await serveEngine(parseEngineSpec('max_model_len=2000'), { host: '127.0.0.1', port: 0 });
  try {
    const scrape = async (): Promise<Map<string, number>> =>
      samples(await (await fetch(`${server.url}/metrics`)).text());
    const gone = new AbortController();
    const reply = await fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ prompt: Array(160).fill(1), max_tokens: 1800, stream: true }),
      signal: gone.signal,
    });
    await reply.body?.getReader().read();
    const during = await scrape();
    assert.equal(during.get('vllm:num_requests_running'), 1);
    assert.equal(during.get('vllm:prompt_tokens_total'), 160);
    const usage = during.get('vllm:kv_cache_usage_perc') ?? 0;
    assert.ok(usage > 0 && usage < 0.01, `${usage}`);
    gone.abort();
    const aborts = async (): Promise<number | undefined> =>
      (await scrape()).get('vllm:request_success_total finished_reason="abort"');
    for (let i = 0; i < 200 && (await aborts()) !== 1; i++) await sleep(10);
    assert.equal(await aborts(), 1);
  } finally {
    await server.close();
  }
});
