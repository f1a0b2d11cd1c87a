import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseRunGate, type LatencyGate } from '../../src/core/run-gate.ts';
import { AttainmentCollector } from '../../src/metrics/attainment.ts';
import { LatencyCollector } from '../../src/metrics/latency.ts';
import { ShareWithin } from '../../src/metrics/share-within.ts';
import { anyBatch, exampleRecord } from '../runs/example-records.ts';

function latencyGate(text: string): LatencyGate {
  const gate = parseRunGate(text);
  assert.ok(gate.kind === 'latency');
  return gate;
}

const QUANTILES = ['p50', 'p90', 'p95', 'p99', 'p999'] as const;

describe('the share of requests within a limit', () => {
  it('is as large as the quantile says, where and only where the quantile is within it', () => {
    fc.assert(
      fc.property(
        anyBatch(30),
        fc.constantFrom('ttft', 'tpot', 'e2e'),
        fc.constantFrom(...QUANTILES),
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 10_000_000 })),
        (records, metric, quantile, isStrict, otherUs) => {
          const latency = new LatencyCollector();
          for (const record of records) latency.add(record);
          const stats = latency.tables().fromDue[metric];
          const atMs = stats[quantile];
          // On the quantile itself too, where it is a whole microsecond.
          const limitUs = otherUs ?? Math.max(1, Math.round((atMs ?? 1) * 1000));
          const gate = latencyGate(`${metric}.${quantile}${isStrict ? '<' : '<='}${limitUs}us`);
          const share = new ShareWithin(gate);
          for (const record of records) share.add(record);
          const { joint, requests } = share.result();
          assert.equal(requests, stats.n + stats.missing);
          if (requests === 0) return;
          const isWithin = atMs !== null && (isStrict ? atMs * 1000 < limitUs : atMs * 1000 <= limitUs);
          const permille = Math.round(gate.share * 1000);
          assert.equal(Math.round(joint * requests) * 1000 >= permille * requests, isWithin);
        },
      ),
    );
  });

  it('has the interval of an attainment with that one limit', () => {
    // Every request has a second token, and every tenth is slow.
    const records = Array.from({ length: 400 }, (_, i) =>
      exampleRecord({
        request_id: `r${i}`,
        due_us: i * 250_000,
        token_times_us: Float64Array.of(i % 10 === 0 ? 300_000 : 90_000 + i, 400_000, 400_000 + i),
      }),
    );
    const [share, attainment] = [
      new ShareWithin(latencyGate('ttft.p90<=200ms')),
      new AttainmentCollector({ ttft: 200 }),
    ];
    for (const record of records) {
      share.add(record);
      attainment.add(record);
    }
    const { joint, ci95, overloaded } = attainment.result().attainment;
    assert.deepEqual(share.result(), { joint, ci95, overloaded, requests: 400 });
    assert.ok(joint === 0.9 && ci95 !== null);
  });
});
