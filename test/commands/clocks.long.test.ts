import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedPrefixTrace } from '../../scripts/bench/shared-prefix-trace.ts';
import { readRecords } from '../../src/runs/records.ts';
import { cli, readJson, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

interface Outcome {
  readonly cached: Map<string, number | null>;
  readonly ttftMs: number;
  readonly tpotMs: number;
  /** Medians; NaN where no request has the phase. */
  readonly phasesMs: Readonly<Record<(typeof PHASES)[number], number>>;
}

const PHASES = ['prefill_queue_us', 'prefill_us', 'transfer_us', 'decode_queue_us', 'decode_us'] as const;

function medianUs(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function run(name: string, ...args: readonly string[]): Promise<Outcome> {
  const out = join(folder, name);
  const result = await cli('run', join(folder, 'shared.rtrace.jsonl'), ...args, '--out', out, '--quiet');
  assert.equal(result.code, 0, result.stderr);
  const cached = new Map<string, number | null>();
  const [ttftUs, tpotUs]: [number[], number[]] = [[], []];
  const phases = new Map(PHASES.map((phase) => [phase, Array<number>()]));
  for await (const batch of readRecords(out))
    for (const record of batch) {
      for (const [phase, valuesUs] of phases) if (record[phase] !== null) valuesUs.push(record[phase]);
      const { request_id, outcome, cached_tokens, input_tokens, input_tokens_planned, token_times_us } = record;
      assert.deepEqual([outcome, input_tokens], ['ok', input_tokens_planned]);
      cached.set(request_id, cached_tokens);
      const [first = Number.NaN, last = Number.NaN] = [token_times_us[0], token_times_us.at(-1)];
      ttftUs.push(first);
      if (token_times_us.length > 1) tpotUs.push((last - first) / (token_times_us.length - 1));
    }
  const ofPhase = (phase: (typeof PHASES)[number]): number => medianUs(phases.get(phase) ?? []) / 1000;
  return {
    cached,
    ttftMs: medianUs(ttftUs) / 1000,
    tpotMs: medianUs(tpotUs) / 1000,
    phasesMs: {
      prefill_queue_us: ofPhase('prefill_queue_us'),
      prefill_us: ofPhase('prefill_us'),
      transfer_us: ofPhase('transfer_us'),
      decode_queue_us: ofPhase('decode_queue_us'),
      decode_us: ofPhase('decode_us'),
    },
  };
}

/**
 * What this machine does to a TTFT while other tests keep it busy: several processes wait for its cores one after the
 * other. Lateness does not add up from token to token, so that TPOT is held to the limits. The whole comparison, on a
 * machine that has nothing else to do, is `scripts/bench/clocks.ts`.
 */
const BUSY_MS = 40;

test('over HTTP the same prompt tokens are cached as in virtual time, and the medians agree', async () => {
  writeFileSync(join(folder, 'shared.rtrace.jsonl'), sharedPrefixTrace(150, 25, 20));
  const target = ['--target', 'reference:vllm-v1,gpu=a100-sxm-80g'];
  const virtual = await run('virtual', ...target, '--clock', 'virtual');
  const real = await run('real', ...target);
  assert.equal(virtual.cached.size, 150);
  const hits = [...virtual.cached.values()].filter((tokens) => (tokens ?? 0) > 0).length;
  assert.ok(hits > 50, `${hits} requests found a prefix`);
  const same = [...virtual.cached].filter(([id, tokens]) => real.cached.get(id) === tokens).length;
  assert.ok(same >= 147, `${same} of 150 alike`);
  const [ttftMs, tpotMs] = [real.ttftMs - virtual.ttftMs, real.tpotMs - virtual.tpotMs];
  assert.ok(ttftMs >= -5 && ttftMs <= BUSY_MS, `TTFT ${ttftMs} ms later than ${virtual.ttftMs} ms`);
  assert.ok(Math.abs(tpotMs) <= Math.max(5, 0.05 * virtual.tpotMs), `TPOT ${tpotMs} ms from ${virtual.tpotMs} ms`);
  const reuse = ['virtual', 'real'].map((name) => readJson(folder, name, 'summary.json')['delivered']);
  assert.ok(
    reuse.every((told) => typeof told === 'object' && told !== null && 'prefix_reuse' in told && told.prefix_reuse),
  );
});

for (const system of ['distserve', 'vllm-pd'])
  test(`${system}: over HTTP every phase takes what it takes in virtual time`, async () => {
    writeFileSync(join(folder, 'shared.rtrace.jsonl'), sharedPrefixTrace(150, 25, 20));
    const target = ['--target', `reference:${system},prefill=2,link=25gbps,gpu=a100-sxm-80g`];
    const virtual = await run(`virtual-${system}`, ...target, '--clock', 'virtual');
    const real = await run(`real-${system}`, ...target);
    for (const phase of PHASES) {
      const [there, here] = [virtual.phasesMs[phase], real.phasesMs[phase]];
      assert.ok(there >= 0 && here >= 0, `${phase}: ${there} and ${here}`);
      // Requests that come late share other batches than they would; the links care little.
      const offMs = Math.max(phase === 'transfer_us' ? 2 : 10, 0.05 * there);
      assert.ok(Math.abs(here - there) <= offMs, `${phase}: ${here} ms, in virtual time ${there} ms`);
    }
    assert.ok(virtual.phasesMs.transfer_us > 2);
  });

test('without the cache nothing is', async () => {
  const args = ['--target', 'reference:vllm-v1,prefix_caching=off', '--clock', 'virtual'];
  const { cached } = await run('off', ...args);
  assert.ok([...cached.values()].every((tokens) => tokens === 0));
});
