import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, rmdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../src/core/record.ts';
import { Journal } from '../../src/runs/journal.ts';
import { RecordWriter, TIMED_PART } from '../../src/runs/record-writer.ts';
import { recoverRun } from '../../src/runs/recovery.ts';
import { journalFile, partFile, requestsDirectory } from '../../src/runs/run-directory.ts';
import { exampleRecord } from './example-records.ts';
import { allRecords, temporaryRun } from './temporary-run.ts';

const example = (id: string, outcome: Outcome = 'ok') => exampleRecord({ request_id: id, outcome });
const idsAndOutcomes = async (dir: string) =>
  (await allRecords(dir)).map((record) => `${record.request_id} ${record.outcome}`).sort();

/** A run killed with r0 finished, r1 in flight; gives the size of the journal after its first entry. */
function killedRun(dir: string): void {
  const journal = new Journal(journalFile(dir, 0, 0));
  journal.append({ kind: 'sent', records: [example('r0', 'cut'), example('r1', 'cut')] });
  journal.append({ kind: 'finished', records: [example('r0')] });
  journal.close();
}

test('a killed run keeps what finished, and what was in flight as cut', async (t) => {
  const dir = temporaryRun(t);
  killedRun(dir);
  const recovered = await recoverRun(dir);
  assert.deepEqual(recovered, { ended: new Set(['r0', 'r1']), fromJournals: 2, damage: [] });
  assert.deepEqual(await idsAndOutcomes(dir), ['r0 ok', 'r1 cut']);
  assert.deepEqual(readdirSync(requestsDirectory(dir)), ['part-0-00001.parquet']);
});

test('recovery can be repeated, and leaves a run that ended well as it is', async (t) => {
  const dir = temporaryRun(t);
  killedRun(dir);
  await recoverRun(dir);
  const again = await recoverRun(dir);
  assert.deepEqual(again, { ended: new Set(['r0', 'r1']), fromJournals: 0, damage: [] });
  assert.deepEqual(await idsAndOutcomes(dir), ['r0 ok', 'r1 cut']);
});

test('a recovery that was itself killed before it removed the journals is made good', async (t) => {
  const dir = temporaryRun(t);
  killedRun(dir);
  const journal = readFileSync(journalFile(dir, 0, 0));
  await recoverRun(dir);
  writeFileSync(journalFile(dir, 0, 0), journal);
  await recoverRun(dir);
  assert.deepEqual(await idsAndOutcomes(dir), ['r0 ok', 'r1 cut']);
});

test('entries before a torn or corrupt one count, what follows is ignored', async (t) => {
  const whole = temporaryRun(t);
  killedRun(whole);
  const size = readFileSync(journalFile(whole, 0, 0)).length;
  const tamper: [string, (file: string) => void, string[]][] = [
    ['cut within the payload', (file) => truncateSync(file, size - 1), ['r0 cut', 'r1 cut']],
    ['cut within the head', (file) => appendFileSync(file, Buffer.of(9, 0, 0)), ['r0 ok', 'r1 cut']],
    ['a length without bounds', (file) => appendFileSync(file, Buffer.alloc(64, 0xff)), ['r0 ok', 'r1 cut']],
    ['zeros, as after a power cut', (file) => appendFileSync(file, Buffer.alloc(64)), ['r0 ok', 'r1 cut']],
    [
      'a flipped bit',
      (file) => {
        const bytes = readFileSync(file);
        bytes[size - 3] = (bytes[size - 3] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      ['r0 cut', 'r1 cut'],
    ],
    ['nothing at all', (file) => truncateSync(file, 0), []],
  ];
  for (const [name, damage, expected] of tamper) {
    const dir = temporaryRun(t);
    killedRun(dir);
    damage(journalFile(dir, 0, 0));
    await recoverRun(dir);
    assert.deepEqual(await idsAndOutcomes(dir), expected, name);
  }
});

test('whichever step of writing a part fails, everything handed over can be recovered', async (t) => {
  const records = Array.from({ length: TIMED_PART.records }, (_, i) => example(`r${i}`));
  for (const obstacle of ['part-0-00000.parquet.tmp', 'open-0-00001.journal', 'part-0-00000.parquet']) {
    const dir = temporaryRun(t);
    const writer = new RecordWriter(dir, { worker: 0, journal: true });
    writer.sent([example('open', 'cut')]);
    mkdirSync(join(requestsDirectory(dir), obstacle));
    assert.throws(() => writer.finished(records), obstacle);
    rmdirSync(join(requestsDirectory(dir), obstacle));
    await recoverRun(dir);
    assert.deepEqual(
      await idsAndOutcomes(dir),
      ['open cut', ...records.map((record) => `${record.request_id} ok`)].sort(),
    );
  }
});

test('a kill between any two steps of writing a part loses nothing and doubles nothing', async (t) => {
  // Before: segment 0 with a part's records finished and one open request; after: part 0 and segment 1.
  const before = temporaryRun(t);
  const writer = new RecordWriter(before, { worker: 0, journal: true });
  writer.sent([example('open', 'cut')]);
  const records = Array.from({ length: TIMED_PART.records }, (_, i) => example(`r${i}`));
  writer.finished(records.slice(0, -1));
  const segment0 = readFileSync(journalFile(before, 0, 0));
  writer.finished(records.slice(-1));
  const part0 = readFileSync(partFile(before, 0, 0));
  const segment1 = readFileSync(journalFile(before, 0, 1));
  writer.close();

  const journalled = records.slice(0, -1);
  const states: [string, Record<string, Buffer>][] = [
    ['part half written', { 'open-0-00000.journal': segment0, 'part-0-00000.parquet.tmp': part0.subarray(0, 999) }],
    ['part written aside', { 'open-0-00000.journal': segment0, 'part-0-00000.parquet.tmp': part0 }],
    [
      'next segment there',
      { 'open-0-00000.journal': segment0, 'part-0-00000.parquet.tmp': part0, 'open-0-00001.journal': segment1 },
    ],
    [
      'part renamed',
      { 'open-0-00000.journal': segment0, 'part-0-00000.parquet': part0, 'open-0-00001.journal': segment1 },
    ],
    ['old segment gone', { 'part-0-00000.parquet': part0, 'open-0-00001.journal': segment1 }],
  ];
  for (const [name, files] of states) {
    const dir = temporaryRun(t);
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(requestsDirectory(dir), file), bytes);
    await recoverRun(dir);
    const found = new Map((await allRecords(dir)).map((record) => [record.request_id, record.outcome]));
    assert.equal(found.size, (await allRecords(dir)).length, `${name}: each once`);
    for (const { request_id } of journalled) assert.equal(found.get(request_id), 'ok', `${name}: ${request_id}`);
    assert.equal(found.get('open'), 'cut', name);
    assert.deepEqual(
      readdirSync(requestsDirectory(dir)).filter((file) => !file.endsWith('.parquet')),
      [],
      name,
    );
  }
});

test('a run that is killed at any moment keeps what was handed over a second before, once', async (t) => {
  const kills = [250, 480, 730];
  await Promise.all(
    kills.map(async (afterMs) => {
      const dir = temporaryRun(t);
      const child = spawn(process.execPath, [join(import.meta.dirname, 'endless-run.ts'), dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // The child says what it hands over, before it does: line by line "<id> <kind>".
      let said = '';
      const heard: { atMs: number; length: number }[] = [];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        heard.push({ atMs: performance.now(), length: said.length });
      });
      await once(child.stdout, 'data');
      await sleep(1000 + afterMs);
      child.kill('SIGKILL');
      const killedMs = performance.now();
      await once(child, 'close');

      const old = heard.findLast((one) => one.atMs <= killedMs - 1000);
      const handedOver = said.slice(0, old?.length).split('\n').slice(0, -1);
      assert.ok(handedOver.length > 0, 'something was handed over a second before');

      const { ended } = await recoverRun(dir);
      const records = await allRecords(dir);
      assert.equal(new Set(records.map((record) => record.request_id)).size, records.length, 'none twice');
      assert.equal(ended.size, records.length);
      const outcomes = new Map(records.map((record) => [record.request_id, record.outcome]));
      for (const line of handedOver) {
        const [id = '', kind] = line.split(' ');
        if (kind === 'finished') assert.equal(outcomes.get(id), 'ok', `${id} had finished`);
        else assert.ok(outcomes.has(id), `${id} had been sent`);
      }
      const cut = records.filter((record) => record.outcome === 'cut').length;
      assert.ok(cut <= 1000, `${cut} cut, where at most 1,000 are in flight`);
    }),
  );
});
