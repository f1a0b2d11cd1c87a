import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import { DigestOrder } from '../../src/metrics/digest-order.ts';
import { RecordsDigest } from '../../src/metrics/records-digest.ts';
import { appendRecords, readDueKeys, readRecords } from '../../src/runs/records.ts';
import { inBatches } from '../reports/example-run.ts';
import { temporaryRun } from '../runs/temporary-run.ts';
import { anyBatch, exampleRecord } from '../runs/example-records.ts';

const sha256 = (records: readonly RequestRecord[]) => {
  const digest = new RecordsDigest();
  for (const record of records) digest.add(record);
  return digest.sha256();
};

test('the recipe by hand', () => {
  const records = [
    exampleRecord({
      request_id: 'b',
      due_us: 7,
      trace_row: 3,
      token_times_us: Float64Array.of(5, 5, 9),
      prefill_us: 4,
    }),
    exampleRecord({
      request_id: 'a',
      due_us: 7,
      token_times_us: new Float64Array(0),
      sent_us: null,
      outcome: 'unsent',
    }),
  ];
  const text =
    '[0,2,7,null,null,null,null,10,10,null,3,3,null,[],200,null,null,null,null,null]\n' +
    '[0,3,7,0,null,12,16,10,10,null,3,3,null,[5,0,4],200,null,4,null,null,null]\n';
  assert.equal(sha256(records), createHash('sha256').update(text).digest('hex'));
});

test('it is the same where the order is known beforehand, and holds only what came too early', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyBatch(10), async (records) => {
      const dir = temporaryRun(t);
      await appendRecords(dir, inBatches(records));
      const order = new DigestOrder();
      for await (const { ids, dueUs } of readDueKeys(dir))
        ids.forEach((id, row) => order.add(dueUs[row] ?? Number.NaN, id));
      const known = new RecordsDigest(order.ranks());
      for await (const batch of readRecords(dir)) for (const record of batch) known.add(record);
      assert.equal(known.sha256(), sha256(records));
    }),
    { numRuns: 4 },
  );
});

test('neither the order of records nor worker and error matter; a time does', () => {
  fc.assert(
    fc.property(anyBatch(10), fc.nat(), (records, seed) => {
      const shuffled = records
        .map((record, i) => ({ ...record, worker: i + seed, error: 'other' }))
        .toSorted((a, b) => ((a.trace_row * 31 + seed) % 97) - ((b.trace_row * 31 + seed) % 97));
      assert.equal(sha256(shuffled), sha256(records));
    }),
    { numRuns: 50 },
  );
  assert.equal(
    sha256([exampleRecord({ hidden_tokens: 4, output_tokens_reported: 9 })]),
    sha256([exampleRecord()]),
    'columns added since 0.3 leave the digest as it was',
  );
  const [one, other] = [exampleRecord(), exampleRecord({ token_times_us: Float64Array.of(100_000, 120_001, 140_000) })];
  assert.notEqual(sha256([one]), sha256([other]));
});
