import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';
import { AttainmentCollector } from '../../src/metrics/attainment.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { anyBatch, exampleRecord } from '../runs/example-records.ts';

const attained = (records: readonly RequestRecord[], slo: Slo) => {
  const collector = new AttainmentCollector(slo);
  for (const record of records) collector.add(record);
  return collector.result();
};
const withTimes = (...times: number[]) => exampleRecord({ token_times_us: Float64Array.from(times) });

test('a value on its limit meets it, a microsecond more does not', () => {
  const slo = { ttft: 100.001, tpot: 20 };
  assert.ok(meetsAll(withTimes(100_001, 120_001), slo));
  assert.ok(!meetsAll(withTimes(100_002, 120_002), slo));
  assert.ok(!meetsAll(withTimes(100_000, 120_001), slo));
  assert.ok(meetsAll(withTimes(100_000, 120_000), { e2e: 120 }));
  assert.ok(!meetsAll(withTimes(100_000, 120_001), { e2e: 120 }));
});

test('a limit that was missed when a run was cut binds, and a cut that missed none is a failure', () => {
  const cutAt = (ms: number, ...times: number[]): RequestRecord =>
    exampleRecord({
      outcome: 'cut',
      due_us: 0,
      end_us: ms * 1000,
      output_tokens_planned: 10,
      token_times_us: Float64Array.from(times),
    });
  const slo = { ttft: 200, tpot: 50 };
  assert.equal(attained([cutAt(300), cutAt(300), withTimes(100_000, 200_000)], slo).binding, 'ttft');
  assert.equal(attained([cutAt(900, 100_000)], slo).binding, 'tpot');
  assert.equal(attained([cutAt(100), cutAt(100), cutAt(300)], slo).binding, null);
});

test('joint, each limit alone, and the one that binds, over scheduled requests', () => {
  const { attainment, binding } = attained(
    [
      withTimes(100_000, 120_000),
      withTimes(300_000, 320_000),
      withTimes(100_000, 200_000),
      withTimes(100_000, 201_000),
      withTimes(300_000, 400_000),
      // A single token has no TPOT and meets that limit; failed and token-less requests miss every limit.
      withTimes(100_000),
      exampleRecord({ outcome: 'timeout' }),
      exampleRecord({ token_times_us: new Float64Array(0) }),
    ],
    { ttft: 200, tpot: 50 },
  );
  assert.equal(attainment.joint, 2 / 8);
  assert.equal(attainment.ttft, 4 / 8);
  assert.equal(attainment.tpot, 3 / 8);
  assert.equal(attainment.e2e, null);
  assert.equal(binding, 'tpot');
});

test('no limit binds where none is missed; of equals the first is named', () => {
  assert.equal(attained([withTimes(100_000, 120_000)], { ttft: 200, tpot: 50 }).binding, null);
  assert.equal(attained([withTimes(300_000, 420_000)], { ttft: 200, tpot: 50 }).binding, 'ttft');
});

test('attainment is a share, and meeting all is no easier than meeting each', () => {
  fc.assert(
    fc.property(
      anyBatch(20),
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 1e9 }),
      (records, ttft, tpot) => {
        const { attainment } = attained(records, { ttft, tpot });
        const alone = [attainment.ttft ?? -1, attainment.tpot ?? -1];
        assert.ok(attainment.joint >= 0 && attainment.joint <= Math.min(...alone) && Math.max(...alone) <= 1);
        assert.ok(attainment.joint >= alone.reduce((total, share) => total + share, 0) - 1 - 1e-12);
      },
    ),
    { numRuns: 50 },
  );
});
