import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { meanRate } from '../../src/core/rate.ts';
import { TrafficCollector } from '../../src/metrics/traffic.ts';
import { applyTransforms, scanPlan } from '../../workloads/index.ts';
import { arrivalStatistics } from '../../workloads/inspect/arrivals.ts';
import { exampleSource, requestsOf } from '../workloads/temporary-files.ts';
import { exampleRecord } from '../runs/example-records.ts';

test('the rate of --rate is the one that inspect, the plan and what was sent have', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 60e6 }),
      fc.array(fc.integer({ min: 0, max: 60e6 }), { minLength: 1, maxLength: 30 }),
      fc.double({ min: 0.05, max: 50, noNaN: true }),
      async (startUs, gapsUs, rps) => {
        const due = [startUs];
        for (const gapUs of gapsUs) due.push((due.at(-1) ?? 0) + gapUs);
        fc.pre((due.at(-1) ?? 0) > startUs + 1e6);
        const { source } = await applyTransforms(exampleSource(due), [{ op: 'rate', args: { rps } }]);
        const requests = await requestsOf(source.open());
        const stats = await scanPlan(source, 1);
        const traffic = new TrafficCollector();
        for (const { dueUs } of requests) traffic.add(exampleRecord({ due_us: dueUs, sent_us: dueUs }));
        const spanUs = stats.lastDueUs - stats.firstDueUs;
        const rates = [
          arrivalStatistics(requests.map(({ dueUs }) => dueUs)).rate_rps,
          meanRate(stats.requests, stats.firstDueUs, stats.lastDueUs),
          traffic.plannedRate(),
          traffic.delivered(null).rate_rps,
        ];
        for (const found of rates) {
          assert.equal(found, rates[0]);
          // Due times are whole microseconds.
          assert.ok(Math.abs((found ?? 0) / rps - 1) <= 1 / spanUs + 1e-9, `${found} for ${rps}`);
        }
      },
    ),
  ));

test('where nothing lies between the first and the last there is no rate', () => {
  for (const [arrivals, lastUs] of [
    [0, 0],
    [1, 0],
    [7, 0],
    [1, 9],
  ] as const)
    assert.equal(meanRate(arrivals, 0, lastUs), null);
  assert.equal(meanRate(5, 100_000, 500_000), 10);
});
