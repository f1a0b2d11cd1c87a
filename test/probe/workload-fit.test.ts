import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PlanStats } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { busiestSecond, fitOf } from '../../src/probe/workload-fit.ts';
import type { ProbeFrontEnd, ProbeLoad } from '../../src/schema/probe.ts';

const SERVER = {
  engine: 'vllm',
  version: '1',
  adapter: 'vllm',
  models: ['m'],
  models_why: null,
  model: 'm',
  context_tokens: 100,
};

function sourceOf(dueUs: readonly number[], batch: number): { open(): AsyncIterable<readonly Request[]> } {
  const requests = dueUs.map((at, i) => ({ id: `${i}`, traceRow: i, dueUs: at, inputTokens: 1, outputTokens: 1 }));
  return {
    async *open() {
      for (let i = 0; i < requests.length; i += batch) yield requests.slice(i, i + batch);
    },
  };
}

describe('the busiest second', () => {
  it('is the largest number of requests in any second, from its first request on', async () => {
    const dues = fc.array(fc.integer({ min: 0, max: 6_000_000 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(dues, fc.integer({ min: 1, max: 7 }), async (given, batch) => {
        const dueUs = given.toSorted((a, b) => a - b);
        const inSecond = (from: number): number => dueUs.filter((at) => at >= from && at < from + 1e6).length;
        const most = Math.max(...dueUs.map(inSecond));
        const found = await busiestSecond(sourceOf(dueUs, batch));
        assert.equal(found.requests, most);
        assert.equal(inSecond(Math.round(found.from_s * 1e6)), most);
      }),
    );
  });

  it('of a long trace, of which little is kept', async () => {
    const dueUs = Array.from({ length: 20_000 }, (_, i) => i * 500 + (i >= 15_000 && i < 15_100 ? -450_000 : 0));
    dueUs.sort((a, b) => a - b);
    const { requests } = await busiestSecond(sourceOf(dueUs, 1024));
    assert.equal(requests, 2100);
  });
});

function frontEnd(...loads: readonly (readonly [rate: number, isBound: boolean])[]): ProbeFrontEnd {
  const made = loads.map(([rate, isBound], i): ProbeLoad => ({
    connections: 8 ** i,
    seconds: 1,
    answers: rate,
    requests_per_s: rate,
    latency_ms: null,
    failures: [],
    client_busy: isBound ? 1 : 0.1,
    machine_idle: null,
    client_bound: isBound,
  }));
  const completion = { route: '/v1/completions', kind: 'completion', why: null, loads: made } as const;
  // A page carries more, and is no measure.
  const health = { route: '/health', kind: 'health', why: null, loads: [] } as const;
  return { load_s: 1, max_requests: 5000, sent_completions: 0, routes: [health, completion] };
}

describe('whether a workload fits', () => {
  const stats = {
    requests: 500,
    digest: 'd',
    longest: { id: 'a', traceRow: 1, inputTokens: 60, outputTokens: 40 },
  } as unknown as PlanStats;
  const fitsOf = (requests: number, of: ProbeFrontEnd | null): string =>
    fitOf({ source: { name: 't', transforms: [] }, stats, busiestSecond: { requests, from_s: 0 } }, of, SERVER).fits;

  it('is judged by the most completions of any number of connections', () => {
    const carries100 = frontEnd([20, false], [100, false], [60, false]);
    assert.deepEqual(
      [80, 81, 100, 101].map((requests) => fitsOf(requests, carries100)),
      ['fits', 'nearly', 'nearly', 'does_not_fit'],
    );
  });

  it('is not known where the client was the limit, unless it fits anyway, or where nothing was answered', () => {
    const atLeast100 = frontEnd([20, false], [100, true]);
    assert.deepEqual(
      [80, 81, 1000].map((requests) => fitsOf(requests, atLeast100)),
      ['fits', 'unknown', 'unknown'],
    );
    assert.deepEqual([fitsOf(1, null), fitsOf(1, frontEnd([0, false]))], ['unknown', 'unknown']);
  });

  it('in tokens: the longest request against the context', () => {
    const scanned = { source: { name: 't', transforms: [] }, stats, busiestSecond: { requests: 1, from_s: 0 } };
    const fitting = [100, 99, null].map((context_tokens) => fitOf(scanned, null, { ...SERVER, context_tokens }));
    assert.deepEqual(
      fitting.map(({ longest_tokens, fits_context }) => [longest_tokens, fits_context]),
      [
        [100, true],
        [100, false],
        [100, null],
      ],
    );
  });
});
