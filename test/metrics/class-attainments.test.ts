import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import { parseSlo, type Slo } from '../../src/core/slo.ts';
import { AttainmentCollector } from '../../src/metrics/attainment.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { itlQuantileUs } from '../../src/metrics/request-latency.ts';
import { anyBatch, exampleRecord } from '../runs/example-records.ts';

const judged = (slo: Slo, records: readonly RequestRecord[]) => {
  const collector = new AttainmentCollector(slo);
  for (const record of records) collector.add(record);
  return collector.result();
};

describe('an SLO by class', () => {
  it('judges each class as its limits alone would', () => {
    const classes = fc.constantFrom('chat', 'batch', 'code', null);
    fc.assert(
      fc.property(anyBatch(60), fc.array(classes, { minLength: 60, maxLength: 60 }), (batch, names) => {
        const records = batch.map((record, i) => ({
          ...record,
          // Of an hour: an interval looks at each second of a run.
          due_us: record.due_us % 3600e6,
          slo_class: names[i % names.length] ?? null,
        }));
        const slo = parseSlo('chat:ttft=1s,itl.p90=1s;batch:e2e=30s');
        const { by_class = [], not_judged = 0, attainment } = judged(slo, records);
        let met = 0;
        for (const { class: name, requests, ...row } of by_class) {
          const own = records.filter(({ slo_class }) => slo_class === name);
          const alone = judged(row.limits_ms, own);
          assert.equal(requests, own.length);
          assert.deepEqual(row.attainment, alone.attainment);
          assert.equal(row.binding, alone.binding);
          met += own.filter((record) => meetsAll(record, slo) === true).length;
        }
        assert.equal(not_judged, records.filter((record) => meetsAll(record, slo) === null).length);
        const of = records.length - not_judged;
        assert.equal(attainment.joint, of === 0 ? 0 : met / of);
      }),
      { numRuns: 40 },
    );
  });

  it('has a row for all other requests, and says which class binds', () => {
    const record = (slo_class: string | null, firstUs: number): RequestRecord =>
      exampleRecord({ slo_class, token_times_us: Float64Array.of(firstUs) });
    const { by_class, binding_class, not_judged } = judged(parseSlo('chat:ttft=200ms;ttft=1s'), [
      record('chat', 300_000),
      record('chat', 100_000),
      record('code', 300_000),
      record(null, 300_000),
    ]);
    assert.deepEqual(
      by_class?.map(({ class: name, requests, attainment: { joint } }) => [name, requests, joint]),
      [
        ['chat', 2, 0.5],
        [null, 2, 1],
      ],
    );
    assert.equal(binding_class, 'chat');
    assert.equal(not_judged, undefined);
  });
});

describe('a limit on the gaps between the tokens of a request', () => {
  const withGaps = (...gaps: number[]): RequestRecord => {
    let at = 100;
    return exampleRecord({ token_times_us: Float64Array.from([at, ...gaps.map((gap) => (at += gap))]) });
  };

  it('is met by a quantile of nearest rank, whatever the order of the gaps', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1),
        (gaps, q) => {
          const found = itlQuantileUs(withGaps(...gaps), q) ?? Number.NaN;
          const within = (us: number): number => gaps.filter((gap) => gap <= us).length;
          // A quantile is no exact double: compared in whole hundredths.
          const needed = (Math.round(q * 100) * gaps.length) / 100;
          assert.ok(gaps.includes(found) && within(found) >= needed && within(found - 1) < needed);
        },
      ),
    );
  });

  it('judges each request by its own gaps', () => {
    const slow = withGaps(...Array.from({ length: 99 }, () => 10_000), 500_000);
    assert.equal(meetsAll(slow, { 'itl.p99': 10 }), true);
    assert.equal(meetsAll(slow, { 'itl.max': 499 }), false);
    assert.equal(meetsAll(slow, { 'itl.max': 500 }), true);
    const { attainment, binding } = judged({ ttft: 1000, 'itl.max': 100 }, [slow, withGaps(1000)]);
    assert.equal(attainment['itl.max'], 0.5);
    assert.equal(attainment.ttft, 1);
    assert.equal(binding, 'itl.max');
  });

  it('is met by a single token, and not where the times of the tokens are not known', () => {
    assert.equal(meetsAll(withGaps(), { 'itl.p50': 1 }), true);
    assert.equal(meetsAll({ ...withGaps(1, 1), token_time_source: 'spread' }, { 'itl.p50': 1000 }), false);
  });

  it('is missed by a request that was cut once the gaps that it had suffice', () => {
    const cut = (gaps: readonly number[], untilUs: number): RequestRecord => ({
      ...withGaps(...gaps),
      outcome: 'cut',
      due_us: 0,
      end_us: untilUs,
      output_tokens_planned: 4,
    });
    assert.equal(judged({ 'itl.max': 1 }, [cut([5000], 6000)]).binding, 'itl.max');
    // Two of three gaps have to be within it, and may be yet.
    assert.equal(judged({ 'itl.p50': 1 }, [cut([5000], 5200)]).binding, null);
    assert.equal(judged({ 'itl.p50': 1 }, [cut([5000], 9000)]).binding, 'itl.p50');
  });
});
