import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { it } from 'node:test';
import { SILENT } from '../../src/core/log.ts';
import { COLUMN_NAMES, type RequestRecord } from '../../src/core/record.ts';
import { planRun } from '../../src/run/plan-run.ts';
import { ALONE, record, type RunHooks } from '../../src/run/run.ts';
import { defineRun } from '../../src/run/run-options.ts';
import { readRecords } from '../../src/runs/records.ts';
import { openTarget } from '../../src/target/open-target.ts';
import { writeLongTrace } from '../../scripts/bench/long-trace.ts';
import { temporaryFolder } from '../cli.ts';

const REQUESTS = 1_000_000;

/** What records hold, every column of each, in any order: the sum of their digests. */
class Fingerprint {
  readonly #sum = new Uint32Array(8);
  records = 0;
  tokens = 0;

  add(of: RequestRecord): void {
    const json = JSON.stringify(COLUMN_NAMES.map((name) => (name === 'token_times_us' ? [...of[name]] : of[name])));
    const digest = createHash('sha256').update(json).digest();
    for (let i = 0; i < 8; i++) this.#sum[i] = (this.#sum[i] ?? 0) + digest.readUInt32LE(4 * i);
    this.records++;
    this.tokens += of.token_times_us.length;
  }

  get sum(): string {
    return Buffer.from(this.#sum.buffer).toString('hex');
  }
}

it('a million requests: the records that are read are those that the engine gave', { timeout: 1_200_000 }, async () => {
  const folder = temporaryFolder();
  const [trace, dir] = [join(folder, 'trace.csv'), join(folder, 'run')];
  writeLongTrace(trace, REQUESTS);
  const never = new AbortController().signal;
  const hooks: RunHooks = {
    nowIso: () => '2026-11-29T00:00:00.000Z',
    newSalt: () => 'salt',
    log: SILENT,
    started: () => undefined,
    stop: never,
    cut: never,
  };
  const spec = defineRun({ workload: trace, target: 'reference:vllm-v1', clock: 'virtual', out: dir });
  const plan = await planRun(spec, hooks);
  const session = await openTarget(spec.target, { plan, salt: null, dir, patienceUs: 1e6, stop: never, log: SILENT });
  const [given, read] = [new Fingerprint(), new Fingerprint()];
  const watcher = { firstToken: () => undefined, ended: (each: RequestRecord) => given.add(each) };
  const { fault } = await record(session, plan, dir, hooks, { ...ALONE, watchers: [watcher] });
  await session.close();
  assert.equal(fault, null);
  for await (const batch of readRecords(dir)) for (const each of batch) read.add(each);
  assert.equal(given.records, REQUESTS);
  assert.deepEqual([read.records, read.tokens, read.sum], [given.records, given.tokens, given.sum]);
});
