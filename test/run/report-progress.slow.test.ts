import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reportRun } from '../../src/run/finish.ts';
import { appendRecords } from '../../src/runs/records.ts';
import { writeManifest } from '../../src/runs/run-directory.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { batches, temporaryRun } from '../runs/temporary-run.ts';

const REQUESTS = 700;

/** What is told while a run of some records is reported: of each reading how far it is, in order. */
async function told(t: Parameters<typeof temporaryRun>[0], session: string | null): Promise<Map<string, number[]>> {
  const dir = temporaryRun(t);
  const records = Array.from({ length: REQUESTS }, (_, i) =>
    exampleRecord({ request_id: `r${i}`, due_us: i * 1000, session_id: session }),
  );
  await appendRecords(dir, batches(records));
  const example = exampleManifest();
  const manifest = writeManifest(dir, { ...example, workload: { ...example.workload, requests: REQUESTS } });
  const heard = new Map<string, number[]>();
  await reportRun(dir, manifest, [], new Set(), (read, of, what) => {
    assert.equal(of, REQUESTS);
    heard.set(what, [...(heard.get(what) ?? []), read]);
  });
  return heard;
}

describe('the report of a run', () => {
  it('tells of each reading of its records how far it is, to their end', async (t) => {
    const heard = await told(t, null);
    assert.deepEqual([...heard.keys()], ['for the figures', 'for the charts']);
    for (const reads of heard.values()) {
      assert.ok(reads.length > 1, 'told at the end alone');
      assert.deepEqual(
        reads,
        reads.toSorted((a, b) => a - b),
      );
      assert.equal(reads.at(-1), REQUESTS);
    }
  });

  it('tells of the reading for the sessions that it shows', async (t) => {
    assert.deepEqual([...(await told(t, 's')).keys()], ['for the figures', 'for the charts', 'for the sessions shown']);
  });
});
