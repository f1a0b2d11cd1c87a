import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { UserError } from '../../src/core/errors.ts';
import { readJournal, type JournalEntry } from '../../src/runs/journal.ts';
import { openBlockingRecordStore, openRecordStore } from '../../src/runs/record-store.ts';
import { RecordWriter, TIMED_PART } from '../../src/runs/record-writer.ts';
import { appendRecords } from '../../src/runs/records.ts';
import { journalFile, partFile, requestsDirectory } from '../../src/runs/run-directory.ts';
import { until } from '../processes.ts';
import { exampleRecord } from './example-records.ts';
import { allRecords, batches, temporaryRun } from './temporary-run.ts';

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => exampleRecord({ request_id: `r${from + i}`, due_us: (from + i) * 1000 }));

/** What the journal of the first worker holds, in its order. */
const journalled = (dir: string): JournalEntry[] => [...readJournal(journalFile(dir, 0, 0), () => undefined)];

const STORES = { 'in a thread': openRecordStore, blocking: openBlockingRecordStore };

for (const [how, openStore] of Object.entries(STORES)) {
  test(`${how}: what a store was handed is in its parts once closed, and no journal is left`, async (t) => {
    const dir = temporaryRun(t);
    const store = await openStore(dir, { worker: 0, journal: true });
    const records = numbered(0, 2.5 * TIMED_PART.records);
    store.sent(records.map((record) => ({ ...record, outcome: 'cut' as const })));
    store.finished(records);
    await store.close();
    assert.deepEqual(readdirSync(requestsDirectory(dir)).sort(), [
      'part-0-00000.parquet',
      'part-0-00001.parquet',
      'part-0-00002.parquet',
    ]);
    const read = await allRecords(dir);
    assert.equal(read.length, records.length);
    // One by one: to print how two lists of so many records differ takes minutes.
    for (const [i, record] of read.entries()) assert.deepEqual(record, records[i]);
  });

  test(`${how}: a request that was sent and never finished is kept as it was when sent`, async (t) => {
    const dir = temporaryRun(t);
    const store = await openStore(dir, { worker: 3, journal: true });
    const [open, done] = [exampleRecord({ request_id: 'open', outcome: 'cut' }), exampleRecord({ request_id: 'done' })];
    store.sent([open, { ...done, outcome: 'cut' }]);
    store.finished([done]);
    await store.close();
    assert.deepEqual(await allRecords(dir), [done, open]);
    assert.deepEqual(readdirSync(requestsDirectory(dir)), ['part-3-00000.parquet']);
  });

  test(`${how}: a store that cannot write says so at once, and when it is closed`, async (t) => {
    const dir = temporaryRun(t);
    rmSync(requestsDirectory(dir), { recursive: true });
    const store = await openStore(dir, { worker: 0, journal: true });
    await until('the store has failed', () => store.failed.aborted);
    store.finished(numbered(0, 1));
    await assert.rejects(store.close(), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /requests: cannot be written: ENOENT/);
      return true;
    });
  });

  test(`${how}: a fault of ours has the stack of the code that made it, and what was written before stays`, async (t) => {
    const dir = temporaryRun(t);
    const store = await openStore(dir, { worker: 0, journal: false });
    store.finished(numbered(0, 4096));
    store.finished([exampleRecord({ request_id: 'bad', due_us: 0.5 })]);
    store.finished(numbered(4096, 10_000));
    await assert.rejects(store.close(), (error: unknown) => {
      assert.ok(error instanceof Error && !(error instanceof UserError));
      assert.match(error.stack ?? '', /^RangeError: .*src\/runs\/parquet\.ts/s);
      return true;
    });
    assert.equal((await allRecords(dir)).length, 4096);
  });
}

test('in a thread: a timed run hands records over a few at a time, whole and in order, and closing waits for none', async (t) => {
  const dir = temporaryRun(t);
  const store = await openRecordStore(dir, { worker: 0, journal: true });
  const records = numbered(0, 500);
  store.sent(records.slice(0, 300));
  for (let i = 0; i < 300; i += 100) store.finished(records.slice(i, i + 100));
  const told = (): string[] =>
    journalled(dir).flatMap(({ kind, records: piece }) => piece.map(({ request_id }) => `${kind} ${request_id}`));
  await until('the journal holds all', () => told().length === 600);
  assert.deepEqual(
    told(),
    ['sent', 'finished'].flatMap((kind) => records.slice(0, 300).map(({ request_id }) => `${kind} ${request_id}`)),
  );
  assert.ok(journalled(dir).every(({ records: piece }) => piece.length <= 32));
  store.sent(records.slice(300));
  store.finished(records.slice(300));
  await store.close();
  assert.equal((await allRecords(dir)).length, 500);
});

test('a clock stands still while too much waits for the thread, and goes on once that is written', async (t) => {
  const dir = temporaryRun(t);
  const waits: Promise<void>[] = [];
  const store = await openRecordStore(
    dir,
    { worker: 0, journal: false },
    { wait: (pending) => void waits.push(pending) },
  );
  const records = numbered(0, 6400);
  for (let from = 0; from < records.length; from += 64) {
    store.finished(records.slice(from, from + 64));
    // As the clock does: nothing goes on, and nothing else keeps the process alive.
    await Promise.all(waits);
  }
  assert.ok(waits.length >= 5 && waits.length <= 10, `${waits.length} waits in 100 batches`);
  await store.close();
  assert.deepEqual(await allRecords(dir), records);
});

test('a store that was never closed does not keep its process alive', async (t) => {
  const dir = temporaryRun(t);
  const module = new URL('../../src/runs/record-store.ts', import.meta.url).href;
  const program = `import('${module}').then(async ({ openRecordStore }) => {
    const store = await openRecordStore('${dir}', { worker: 0, journal: true });
    store.sent([]);
    process.exitCode = 7;
  })`;
  await assert.rejects(promisify(execFile)(process.execPath, ['-e', program], { timeout: 20_000 }), { code: 7 });
});

test('records are appended behind the parts that are there', async (t) => {
  const dir = temporaryRun(t);
  const store = await openRecordStore(dir, { worker: 0, journal: false });
  store.finished(numbered(0, 5));
  await store.close();
  await appendRecords(dir, batches(numbered(5, 8), numbered(8, 10)));
  assert.deepEqual(await allRecords(dir), numbered(0, 10));
  assert.deepEqual(readdirSync(requestsDirectory(dir)), ['part-0-00000.parquet', 'part-0-00001.parquet']);
});

test('while it writes, a journal holds no more than the part to come and what is open', async (t) => {
  const dir = temporaryRun(t);
  const writer = new RecordWriter(dir, { worker: 0, journal: true });
  const open = exampleRecord({ request_id: 'open', outcome: 'cut' });
  writer.sent([open]);
  for (let i = 0; i < 5; i++) {
    writer.finished(numbered(i * TIMED_PART.records, (i + 1) * TIMED_PART.records));
    const files = readdirSync(requestsDirectory(dir)).sort();
    assert.equal(files.filter((name) => name.endsWith('.journal')).length, 1);
    assert.equal(files.filter((name) => name.endsWith('.parquet')).length, i + 1);
  }
  writer.close();
  assert.equal((await allRecords(dir)).length, 5 * TIMED_PART.records + 1);
});

test('a damaged part is named', async (t) => {
  const dir = temporaryRun(t);
  await appendRecords(dir, batches(numbered(0, 5)));
  writeFileSync(partFile(dir, 0, 1), 'PAR1 and no more');
  await assert.rejects(allRecords(dir), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /part-0-00001\.parquet: damaged/);
    return true;
  });
  await assert.rejects(allRecords(join(dir, 'nowhere')), /not a run directory/);
});
