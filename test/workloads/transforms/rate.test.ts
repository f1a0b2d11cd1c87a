import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SILENT } from '../../../src/core/log.ts';
import type { Source } from '../../../src/core/plan.ts';
import { applyTransforms, openSource } from '../../../workloads/index.ts';
import type { TransformedSource } from '../../../workloads/transforms/index.ts';
import { arrivalStatistics } from '../../../workloads/inspect/arrivals.ts';
import { shared } from '../../shared.ts';
import { exampleSource, requestsOf, withTransforms } from '../temporary-files.ts';

async function atRate(source: Source, rps: number): Promise<TransformedSource & { lines: string[] }> {
  const lines: string[] = [];
  const log = { ...SILENT, info: (text: string) => lines.push(text) };
  return { ...(await applyTransforms(source, [{ op: 'rate', args: { rps } }], log)), lines };
}

describe('rate', () => {
  it('gives the mean rate asked for, every gap its share of the time, and nothing else a change', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 60e6 }), { minLength: 2, maxLength: 50 }),
        fc.integer({ min: 0, max: 5e6 }),
        fc.double({ min: 0.05, max: 50, noNaN: true }),
        async (times, startUs, rps) => {
          const due = [startUs, ...times.map((us) => startUs + us + 1e6)].sort((a, b) => a - b);
          const before = await requestsOf(exampleSource(due).open());
          const after = await requestsOf((await atRate(exampleSource(due), rps)).source.open());
          const spanUs = (due.at(-1) ?? 0) - startUs;
          const factor = (rps * spanUs) / 1e6 / (due.length - 1);
          for (const [i, request] of after.entries()) {
            assert.ok(Math.abs(request.dueUs - (due[i] ?? 0) / factor) <= 0.501 + 1e-9 * request.dueUs);
            assert.deepEqual({ ...request, dueUs: 0 }, { ...before[i], dueUs: 0 });
          }
        },
      ),
    ));

  it('reads its source once, says once what it did, and is speed from then on', async () => {
    let opened = 0;
    const example = exampleSource([0, 1e6, 2e6, 60e6]);
    const watched: Source = { ...example, open: () => (opened++, example.open()) };
    const { source, resolved, lines } = await atRate(watched, 0.1);
    assert.equal(opened, 1);
    const first = await requestsOf(source.open());
    assert.deepEqual(await requestsOf(source.open()), first);
    assert.equal(opened, 3);
    assert.deepEqual(source.transforms, [{ op: 'rate', args: { rps: 0.1 } }]);
    assert.deepEqual(resolved, [{ op: 'speed', args: { factor: 2 } }]);
    assert.deepEqual(await requestsOf((await withTransforms(example, ...resolved)).open()), first);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /--rate 0\.1: time runs 2\.00 times as fast; 0\.0500 -> 0\.100 requests\/s; CV of gaps (\d\.\d\d) -> \1; variance/,
    );
  });

  it('a trace without a rate is refused', async () => {
    await assert.rejects(atRate(exampleSource([5]), 1), /--rate: .*one request/);
    await assert.rejects(atRate(exampleSource([5, 5]), 1), /--rate: .*2 requests.*one time/);
  });

  const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
  it('keeps the burstiness of the public Azure trace', { skip: azure.skip }, async () => {
    const { source } = await atRate(await openSource(azure.path, { onBadRow: 'fail' }), 11);
    const found = arrivalStatistics((await requestsOf(source.open())).map(({ dueUs }) => dueUs));
    assert.ok(Math.abs((found.rate_rps ?? 0) - 11) < 1e-5);
    assert.ok(Math.abs((found.iat_cv ?? 0) - 1.09417) < 1e-5);
  });
});
