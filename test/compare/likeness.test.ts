import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { judgeCompareGate, parseCompareGate } from '../../src/compare/gates.ts';
import type { LoadedRun } from '../../src/compare/load-runs.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { exampleSide, type ExampleSide } from './example-sides.ts';

const OPTIONS = { margin: 0.02, names: ['base', 'new'] } as const;
const AS_BEFORE: ExampleSide = { factors: [1, 1.002, 0.998] };
const AGAIN: ExampleSide = { factors: [1.001, 0.999, 1] };

async function compared(base: ExampleSide, now: ExampleSide): Promise<Comparison> {
  return compareRuns(await exampleSide('base', base), await exampleSide('new', now), OPTIONS);
}

/** The doubts that let no gate pass, but those of a client that was late. */
const blocking = ({ doubts }: Comparison): string[] =>
  doubts.filter(({ code, blocks }) => blocks && code !== 'not_valid').map(({ code }) => code);
const gate = (comparison: Comparison): string => judgeCompareGate(parseCompareGate('default'), comparison).verdict;

/** The runs with something else in their manifests. */
const withManifest = (runs: readonly LoadedRun[], of: (index: number) => Partial<Manifest>): LoadedRun[] =>
  runs.map((run, i) => ({ ...run, manifest: { ...run.manifest, ...of(i) } }));

describe('what can be compared', () => {
  it('has each run once: no folder, link or copy stands in it twice, on one side or on both', async () => {
    const [base, now] = [await exampleSide('base', AS_BEFORE), await exampleSide('new', AGAIN)];
    const [first] = base;
    assert.ok(first !== undefined);
    const copy = { ...first, dir: 'runs/copy' };
    for (const [a, b, message] of [
      [base, base, /base.1: this run would be compared with itself/],
      [base, [...now, copy], /base.1 and runs.copy are one run/],
      [[...base, copy], now, /base.1 and runs.copy are one run/],
      [[first], [first], /would be compared with itself/],
    ] as const)
      assert.throws(
        () => compareRuns(a, b, OPTIONS),
        (thrown) => thrown instanceof UserError && message.test(thrown.message),
      );
    // Two imports of one result file are one run, by whatever name.
    const imported = {
      tool: 'vllm',
      version: null,
      file: 'a.json',
      sha256: 'x',
      run: 1,
      starts: 'due',
      duration_s: null,
      notes: [],
    } as const;
    const files = withManifest([...base.slice(0, 1), ...now.slice(0, 1)], () => ({ imported }));
    assert.throws(() => compareRuns(files.slice(0, 1), files.slice(1), OPTIONS), /are one run/);
  });

  it('has no repeats of a noisy engine that are the same to the bit', async () => {
    const [base, now] = [await exampleSide('base', AS_BEFORE), await exampleSide('new', AGAIN)];
    const target = base[0]?.manifest.target;
    assert.ok(target !== undefined);
    const noisy = withManifest(base, () => ({ target: { ...target, facts: { noise: 0.03 } } }));
    const seeded = (of: (i: number) => string): LoadedRun[] =>
      noisy.map((run, i) => ({ ...run, summary: { ...run.summary, records_sha256: of(i) } }));
    assert.throws(
      () =>
        compareRuns(
          seeded(() => 'a'),
          now,
          OPTIONS,
        ),
      /base.1 and .*base.2 are the same run to the bit/,
    );
    assert.doesNotThrow(() => compareRuns(seeded(String), now, OPTIONS));
  });

  it('has requests, and where runs repeat to the bit, those of a side do', async () => {
    const [base, now] = [await exampleSide('base', AS_BEFORE), await exampleSide('new', AGAIN)];
    const nothing = now.map((run) => ({ ...run, requests: new Map() }));
    assert.throws(() => compareRuns(base, nothing, OPTIONS), /new.1: no request of it was measured/);
    const [a, b] = [base, now].map((runs) => withManifest(runs, () => ({ clock: 'virtual' })));
    assert.ok(a !== undefined && b !== undefined);
    const digest = (runs: readonly LoadedRun[], of: (i: number) => string): LoadedRun[] =>
      runs.map((run, i) => ({ ...run, summary: { ...run.summary, records_sha256: of(i) } }));
    const same = compareRuns(
      digest(a, () => 'a'),
      digest(b, () => 'b'),
      OPTIONS,
    );
    assert.equal(same.order, 'exact');
    assert.throws(
      () =>
        compareRuns(
          digest(a, String),
          digest(b, () => 'b'),
          OPTIONS,
        ),
      /base.1 and .*base.2 are on one side and not of one system: .* repeat to the bit, and these differ \(reprise 0/,
    );
  });
});

/** As a server that fails to answer the longest prompts in time would leave them. */
const timedOut = (record: RequestRecord): RequestRecord =>
  (record.input_tokens ?? 0) < 1500
    ? record
    : { ...record, outcome: 'timeout', token_times_us: new Float64Array(), output_tokens: null, first_token_us: null };

describe('the load that was delivered', () => {
  it('is that of the requests which every run answered: a system that fails more is worse, and had no other load', async () => {
    const comparison = await compared(AS_BEFORE, { ...AGAIN, mend: timedOut });
    assert.deepEqual(blocking(comparison), []);
    assert.equal(comparison.verdict, 'worse');
    assert.equal(gate(comparison), 'missed');
    assert.equal(gate(await compared({ ...AS_BEFORE, mend: timedOut }, AGAIN)), 'held');
  });

  it('is that of the requests which every run sent: a server that refuses connections had no other load', async () => {
    const refused = (record: RequestRecord): RequestRecord =>
      record.trace_row % 3 === 0 ? { ...timedOut({ ...record, input_tokens: 9999 }), sent_us: null } : record;
    assert.deepEqual(blocking(await compared(AS_BEFORE, { ...AGAIN, mend: refused })), []);
  });

  it('is another where outputs end early, prompts are counted otherwise, or requests are sent at another rate', async () => {
    for (const [what, mend] of [
      [
        /output tokens a request/,
        (record) => ({ ...record, output_tokens: Math.ceil((record.output_tokens ?? 1) * 0.9) }),
      ],
      [/input tokens a request/, (record) => ({ ...record, input_tokens: (record.input_tokens ?? 0) + 100 })],
      [/requests\/s sent/, (record) => ({ ...record, sent_us: Math.round((record.sent_us ?? 0) * 1.1) })],
    ] as const satisfies readonly (readonly [RegExp, (record: RequestRecord) => RequestRecord])[]) {
      const comparison = await compared(AS_BEFORE, { ...AGAIN, mend });
      assert.deepEqual(blocking(comparison), ['load']);
      assert.match(comparison.doubts.find(({ code }) => code === 'load')?.text ?? '', what);
      assert.deepEqual([comparison.verdict, gate(comparison)], ['undecided', 'undecided']);
    }
  });

  it('may come more slowly where a cap on the requests in flight holds them back, which is said and is no doubt', async () => {
    const later = (record: RequestRecord): RequestRecord => ({
      ...record,
      sent_us: Math.round((record.sent_us ?? 0) * 1.1),
    });
    const capped = { max_in_flight: 4 };
    const comparison = await compared({ ...AS_BEFORE, manifest: capped }, { ...AGAIN, manifest: capped, mend: later });
    assert.deepEqual(blocking(comparison), []);
    assert.ok(comparison.doubts.some(({ code, text }) => code === 'load' && text.includes('requests/s')));
  });
});

describe('what makes the sides unlike', () => {
  it('is what was done to the servers or the connections of some runs alone', async () => {
    const [base, now] = [await exampleSide('base', AS_BEFORE), await exampleSide('new', AGAIN)];
    const target = now[0]?.manifest.target;
    assert.ok(target !== undefined);
    for (const [option, other] of [
      ['--warmup-requests', { prepared: { warmup_requests: 5, cache_reset: null } }],
      ['--reset-cache', { prepared: { warmup_requests: 0, cache_reset: { route: '/x', verified_by: null } } }],
      ['--connections', { target: { ...target, connections: 'per-request' } }],
    ] as const satisfies readonly (readonly [string, Partial<Manifest>])[]) {
      const comparison = compareRuns(
        base,
        withManifest(now, () => other),
        OPTIONS,
      );
      assert.deepEqual(blocking(comparison), ['prepared']);
      assert.match(comparison.doubts.map(({ text }) => text).join(), new RegExp(option));
    }
  });

  it('is a server that knew the prompts of one side alone from an earlier run, by whatever name of this machine', async () => {
    const [base, now] = [await exampleSide('base', { factors: [1] }), await exampleSide('new', { factors: [1.001] })];
    const target = base[0]?.manifest.target;
    assert.ok(target !== undefined);
    const at =
      (spec: string, salt: string, more: Partial<Manifest> = {}) =>
      (): Partial<Manifest> => ({
        salt,
        target: { ...target, kind: 'url', spec },
        options: {},
        ...more,
      });
    const codes = (a: () => Partial<Manifest>, b: () => Partial<Manifest>): string[] =>
      blocking(compareRuns(withManifest(base, a), withManifest(now, b), OPTIONS));
    const [one, other] = ['http://127.0.0.1:8000', 'http://localhost:8000/v1'];
    // The runs of the example's `new` are earlier.
    assert.deepEqual(codes(at(one, 's'), at(other, 's')), ['salt']);
    assert.deepEqual(codes(at(one, 's'), at(other, 't')), []);
    assert.deepEqual(codes(at(one, 's'), at('http://127.0.0.1:8001', 's')), []);
    assert.deepEqual(codes(at(one, 's', { options: { start: 'serve' } }), at(other, 's')), []);
  });
});

describe('a figure', () => {
  it('that only one side has is named, and leaves the family undecided', async () => {
    const [base, now] = [await exampleSide('base', AS_BEFORE), await exampleSide('new', AGAIN)];
    const none = { ...now[0]?.summary.latency_ms.tpot, p50: null, p90: null, p99: null, missing: 0 };
    const without = now.map((run) => {
      const { latency_ms } = run.summary;
      const tpot = { ...latency_ms.tpot, ...none };
      return { ...run, summary: { ...run.summary, latency_ms: { ...latency_ms, tpot } } };
    });
    const comparison = compareRuns(base, without, OPTIONS);
    assert.deepEqual(blocking(comparison), ['missing']);
    assert.match(comparison.doubts.map(({ text }) => text).join(), /not every run has TPOT p50, TPOT p90, TPOT p99/);
    assert.equal(gate(comparison), 'undecided');
  });

  it('of failed requests alone, in every run: attainment and throughput are the same zero, quantiles are undecided', async () => {
    const fails = (record: RequestRecord): RequestRecord => timedOut({ ...record, input_tokens: 9999 });
    const comparison = await compared({ factors: [1, 1.002], mend: fails }, { factors: [1.001, 0.999], mend: fails });
    const verdicts = new Map(comparison.metrics.map(({ name, verdict }) => [name, verdict]));
    assert.deepEqual(
      (['attainment', 'throughput', 'ttft.p50', 'e2e.p50'] as const).map((name) => verdicts.get(name)),
      ['same', 'same', 'undecided', 'undecided'],
    );
    assert.equal(comparison.verdict, 'undecided');
    const half = await compared({ factors: [1, 1.002] }, { factors: [1.001, 0.999], mend: fails });
    assert.equal(gate(half), 'missed');
    assert.match(half.metrics.find(({ name }) => name === 'ttft.p50')?.why ?? '', /^fails in every run of new$/);
  });
});
