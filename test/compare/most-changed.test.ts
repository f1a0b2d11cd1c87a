import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ComparedRequest, LoadedRun } from '../../src/compare/load-runs.ts';
import { changedRecords, mostChanged } from '../../src/compare/most-changed.ts';
import type { RecordBatch } from '../../src/core/record.ts';
import { inBatches } from '../reports/example-run.ts';
import { exampleSide } from './example-sides.ts';

const [EXAMPLE] = await exampleSide('base', { factors: [1] });
const records = EXAMPLE?.records ?? [];

type Latencies = readonly [ttft: number, tpot: number, e2e: number];

function run(latencies: Readonly<Record<string, Latencies>>): LoadedRun {
  const requests = Object.entries(latencies).map(([id, [ttftUs, tpotUs, e2eUs]]): [string, ComparedRequest] => [
    id,
    {
      dueUs: 0,
      inputTokens: 1,
      outputTokens: 2,
      isMet: true,
      sentUs: 0,
      gotInputTokens: 1,
      gotOutputTokens: 2,
      ttftUs,
      tpotUs,
      e2eUs,
    },
  ]);
  assert.ok(EXAMPLE !== undefined);
  return { ...EXAMPLE, requests: new Map(requests) };
}

describe('the requests that changed most', () => {
  it('each once, by the latency that changed most, in either direction; none that is as it was', () => {
    const base = run({ same: [100, 10, 200], slower: [100, 10, 200], faster: [100, 10, 200], other: [1, 1, 1] });
    const now = run({ same: [100, 10, 200], slower: [150, 30, 500], faster: [20, 10, 100] });
    assert.deepEqual(mostChanged(base, now), [
      { request_id: 'faster', metric: 'ttft', base_ms: 0.1, new_ms: 0.02 },
      { request_id: 'slower', metric: 'tpot', base_ms: 0.01, new_ms: 0.03 },
    ]);
  });

  it('those that failed on one side alone come first, those that failed on both are not there', () => {
    const none: Latencies = [NaN, NaN, NaN];
    const base = run({ a: [100, 10, 200], b: none, c: none, d: [1, 1, 1] });
    const now = run({ a: none, b: [100, 10, 200], c: none, d: [900, 1, 900] });
    assert.deepEqual(mostChanged(base, now), [
      { request_id: 'a', metric: 'e2e', base_ms: 0.2, new_ms: null },
      { request_id: 'b', metric: 'e2e', base_ms: null, new_ms: 0.2 },
      { request_id: 'd', metric: 'ttft', base_ms: 0.001, new_ms: 0.9 },
    ]);
  });

  it('their records are those of the first runs, and no more is read than has to be', async () => {
    let batches = 0;
    async function* counted(): AsyncGenerator<RecordBatch> {
      for await (const batch of inBatches(records, 10)) {
        batches++;
        yield batch;
      }
    }
    const pairs = await changedRecords(['r13', 'r2'], counted(), inBatches(records));
    assert.deepEqual(
      pairs.map(({ base, new: now }) => [base.request_id, now.request_id]),
      [
        ['r13', 'r13'],
        ['r2', 'r2'],
      ],
    );
    assert.equal(batches, 2);
    await assert.rejects(changedRecords(['nowhere'], inBatches(records), inBatches(records)), /no request nowhere/);
  });
});
