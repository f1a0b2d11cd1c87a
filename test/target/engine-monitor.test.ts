import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { byMetric, type Scrape, type ServerMetric } from '../../src/schema/server-metrics.ts';
import { monitorEngine, StepSamples } from '../../src/target/engine-monitor.ts';
import { RecordingListener } from '../engine/small-engine.ts';
import { temporaryRun } from '../runs/temporary-run.ts';

const SECOND_US = 1e6;

/** Times of the samples that are kept of a run that was thought to take so long, and took longer. */
function timesOf(thoughtS: number, tookS: number, instances = 1): number[] {
  const samples = new StepSamples(thoughtS * SECOND_US, instances, (timeUs) => ({ timeUs, samples: [] }));
  for (let nextUs = samples.nextUs; nextUs <= tookS * SECOND_US;) nextUs = samples.take(nextUs);
  return samples.kept.map(({ timeUs }) => timeUs);
}

/** Where in their steps samples lie, as shares of a step: the mean, and how many are in each quarter. */
function places(times: readonly number[], stepUs: number): { mean: number; quarters: number[] } {
  const shares = times.map((time) => (time % stepUs) / stepUs);
  const quarters = [0, 1, 2, 3].map((quarter) => shares.filter((share) => Math.floor(4 * share) === quarter).length);
  return { mean: shares.reduce((sum, share) => sum + share, 0) / shares.length, quarters };
}

describe('the steps of samples', () => {
  it('are short in a short run and long in a long one, with a sample in each', () => {
    for (const [runS, stepS] of [
      [2, 1 / 64],
      [60, 1 / 32],
      [3600, 2],
      [7 * 86400, 512],
    ] as const) {
      const times = timesOf(runS, runS);
      assert.ok(times.length > 100 && times.length <= 2048, `${times.length} samples`);
      assert.ok(times.every((time, i) => Math.floor(time / stepS / SECOND_US) === i));
      assert.ok(times.every(Number.isInteger));
    }
  });

  it('grow where a run takes longer than was thought: no more samples, still one in each step', () => {
    for (const tookS of [31, 100, 1000, 86400]) {
      const times = timesOf(1, tookS);
      assert.ok(times.length >= 1000 && times.length <= 2048, `${times.length} samples of ${tookS} s`);
      const stepUs = 15_625 * 2 ** Math.round(Math.log2((times.at(-1) ?? 0) / times.length / 15_625));
      assert.ok(times.every((time, i) => Math.floor(time / stepUs) === i));
      assert.ok((times.at(-1) ?? 0) > tookS * SECOND_US - 2 * stepUs);
    }
  });

  it('have their samples at any part of them, so that no period of the load is seen at one part alone', () => {
    for (const tookS of [60, 600, 3600])
      for (const thoughtS of [tookS, tookS / 3])
        for (const periodS of [0.005, 0.01, 0.05, 1, 2, 4]) {
          const { mean, quarters } = places(timesOf(thoughtS, tookS), periodS * SECOND_US);
          const total = quarters.reduce((sum, count) => sum + count, 0);
          assert.ok(Math.abs(mean - 0.5) < 0.06, `${mean} of ${periodS} s in ${tookS} s`);
          assert.ok(Math.min(...quarters) > 0.18 * total, `${quarters.join(', ')} of ${periodS} s in ${tookS} s`);
        }
  });

  it('are longer where there are many instances', () => {
    assert.ok(timesOf(60, 60, 64).length <= 256);
    assert.ok(timesOf(60, 60, 4096).length <= 256);
  });
});

/** What was kept of an engine that serves `requests` prompts of 1,000 tokens at once, 400 tokens each. */
async function watch(t: TestContext, spec: string, requests: number): Promise<{ scrapes: Scrape[]; engine: Engine }> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(spec), { clock });
  const monitor = monitorEngine(engine, clock, SECOND_US);
  const dir = temporaryRun(t);
  monitor.begin(dir, 0);
  for (let i = 0; i < requests; i++)
    clock.at(SECOND_US / 2, () => {
      const request = { id: String(i), content: null, inputTokens: 1000, maxTokens: 400, trueOutputTokens: 400 };
      engine.submit(request, new RecordingListener());
    });
  await clock.run(() => false);
  assert.equal(await monitor.end(), null);
  const scrapes: Scrape[] = [];
  for await (const scrape of readScrapes(dir) ?? []) scrapes.push(scrape);
  return { scrapes, engine };
}

/** The highest value of each series of a metric. */
function peaks(scrapes: readonly Scrape[], metric: ServerMetric): Record<string, number> {
  const most: Record<string, number> = {};
  for (const { samples } of scrapes)
    for (const { labels, value } of byMetric(samples ?? []).get(metric) ?? [])
      most[labels] = Math.max(most[labels] ?? 0, value);
  return most;
}

describe('an engine in virtual time is watched', () => {
  it('from before its first event to its last: counters from 0 to what the engine counts', async (t) => {
    const { scrapes, engine } = await watch(t, 'kv_tokens=4000,prefix_caching=off', 8);
    const { preemptions, iterations, iterationTokens } = engine.load();
    assert.ok(preemptions > 0);
    const value = (at: number, name: string): number | undefined =>
      scrapes.at(at)?.samples?.find((sample) => sample.name === name)?.value;
    for (const [name, last] of [
      ['vllm:num_preemptions_total', preemptions],
      ['vllm:iteration_tokens_total_count', iterations],
      ['vllm:iteration_tokens_total_sum', iterationTokens],
      ['vllm:num_requests_running', 0],
    ] as const)
      assert.deepEqual([value(0, name), value(-1, name)], [0, last], name);
    assert.ok((scrapes[0]?.timeUs ?? 0) < 0);
    assert.ok((peaks(scrapes, 'waiting')['{"engine":"0"}'] ?? 0) > 0);
    const fullest = peaks(scrapes, 'kv_usage')['{"engine":"0"}'] ?? 0;
    assert.ok(fullest > 0.9 && fullest <= 1, `${fullest}`);
  });

  it('instance by instance, with the role of each where they differ', async (t) => {
    const { scrapes } = await watch(t, 'distserve,model=opt-13b,gpu=a100-sxm-80g,prefill=1,decode=2', 12);
    const running = peaks(scrapes, 'running');
    assert.deepEqual(Object.keys(running), [
      '{"engine":"0","role":"prefill"}',
      '{"engine":"1","role":"decode"}',
      '{"engine":"2","role":"decode"}',
    ]);
    assert.ok(Object.values(running).every((most) => most > 0));
    const kv = peaks(scrapes, 'kv_usage');
    assert.ok(Object.values(kv).every((most) => most > 0 && most <= 1));
    const alike = await watch(t, 'vllm-v1,instances=2', 12);
    assert.deepEqual(Object.values(peaks(alike.scrapes, 'running')), [6, 6]);
    assert.deepEqual(Object.keys(peaks(alike.scrapes, 'running')), ['{"engine":"0"}', '{"engine":"1"}']);
  });
});
