import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Slo } from '../../src/core/slo.ts';
import { AttainmentCollector } from '../../src/metrics/attainment.ts';
import { bindingClass, bindingLimit, sumOfMisses } from '../../src/metrics/misses.ts';
import { exampleRecord } from '../runs/example-records.ts';

const SLO: Slo = {
  e2e: 900,
  by_class: { chat: { ttft: 200, 'itl.p99': 60 }, batch: { e2e: 400 } },
};

const anyRecord = fc
  .record({
    slo_class: fc.constantFrom('chat', 'batch', 'other', null),
    firstMs: fc.integer({ min: 1, max: 400 }),
    gapMs: fc.integer({ min: 1, max: 120 }),
    isOk: fc.boolean(),
  })
  .map(({ slo_class, firstMs, gapMs, isOk }) =>
    exampleRecord({
      slo_class,
      token_times_us: Float64Array.of(firstMs * 1000, (firstMs + gapMs) * 1000, (firstMs + 5 * gapMs) * 1000),
      ...(isOk ? {} : { outcome: 'http_error' as const }),
    }),
  );

const collected = (records: readonly ReturnType<typeof exampleRecord>[]): AttainmentCollector => {
  const collector = new AttainmentCollector(SLO);
  for (const record of records) collector.add(record);
  return collector;
};

describe('what requests miss', () => {
  it('in parts of a load is what they miss in all of it, whatever limits there are: by limit and by class', () =>
    fc.assert(
      fc.property(fc.array(fc.array(anyRecord, { maxLength: 20 }), { minLength: 1, maxLength: 4 }), (parts) => {
        const whole = collected(parts.flat());
        const sum = sumOfMisses(parts.map((records) => collected(records).misses));
        assert.deepEqual(sum, whole.misses);
        const { binding, binding_class } = whole.result();
        assert.deepEqual([bindingLimit(sum), bindingClass(sum)], [binding, { binding_class }]);
      }),
    ));

  it('binds where most of it is, and by no limit where more failed', () => {
    const byMetric = new Map([
      ['ttft', 3],
      ['itl.p99', 5],
    ] as const);
    assert.equal(bindingLimit({ byMetric, failed: 5 }), 'itl.p99');
    assert.equal(bindingLimit({ byMetric, failed: 6 }), null);
    assert.deepEqual(bindingClass({ byMetric, failed: 0 }), {});
    const byClass = new Map([
      ['chat', 2],
      [null, 4],
    ]);
    assert.deepEqual(bindingClass({ byMetric, failed: 0, byClass }), { binding_class: null });
  });
});
