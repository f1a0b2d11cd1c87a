import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { Journal } from '../../src/runs/journal.ts';
import { appendRecords, readRecords } from '../../src/runs/records.ts';
import { recoverRun } from '../../src/runs/recovery.ts';
import { readManifest } from '../../src/runs/read-manifest.ts';
import {
  clientFile,
  journalFile,
  manifestFile,
  partFile,
  requestsDirectory,
  serverFile,
  writeManifest,
} from '../../src/runs/run-directory.ts';
import { openRunFiles } from '../../src/runs/run-files.ts';
import { writeClientSamples } from '../../src/runs/client-file.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { ServerFile } from '../../src/runs/server-file.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { exampleRecord } from './example-records.ts';
import { batches, temporaryRun } from './temporary-run.ts';

const PARTS = 3;
const OF_A_PART = 20;

function records(from: number, to: number): RequestRecord[] {
  return Array.from({ length: to - from }, (_, i) =>
    exampleRecord({ request_id: `r${from + i}`, trace_row: from + i }),
  );
}

/** A run that has ended and is sealed: 60 records in three parts, client, server. */
async function sealedRun(t: TestContext, seed = 1): Promise<string> {
  const dir = temporaryRun(t);
  for (let part = 0; part < PARTS; part++)
    await appendRecords(dir, batches(records(part * OF_A_PART, (part + 1) * OF_A_PART)));
  writeClientSamples(dir, []);
  const server = new ServerFile(dir);
  server.add(0, [{ name: 'a', labels: '{}', value: seed }]);
  server.close();
  const { workload } = exampleManifest();
  writeManifest(dir, exampleManifest({ seed, workload: { ...workload, requests: PARTS * OF_A_PART } }));
  return dir;
}

interface Reading {
  readonly ids: string[];
  readonly problems: string[];
}

/** What can be read, each record as it was written, and what is wrong. */
async function read(dir: string): Promise<Reading> {
  const problems: string[] = [];
  const found: RequestRecord[] = [];
  for await (const batch of readRecords(dir, (problem) => problems.push(problem))) found.push(...batch);
  for await (const _ of readScrapes(dir, (problem) => problems.push(problem)) ?? []);
  const written = new Map(records(0, 200).map((record) => [record.request_id, record]));
  for (const record of found) assert.deepEqual(record, written.get(record.request_id));
  return { ids: found.map(({ request_id }) => request_id), problems };
}

function flipBit(file: string, bit: number): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bit / 8) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
  writeFileSync(file, bytes);
}

describe('a sealed run', () => {
  it('is whole as it is', async (t) => {
    const { ids, problems } = await read(await sealedRun(t));
    assert.equal(ids.length, PARTS * OF_A_PART);
    assert.deepEqual(problems, []);
  });

  it('names the file of a bit that flipped anywhere in it, and gives the rest as it was', async (t) => {
    const dir = await sealedRun(t);
    const files = [0, 1, 2].map((part) => partFile(dir, 0, part));
    for (let flip = 0; flip < 40; flip++) {
      const file = files[flip % PARTS] ?? '';
      const whole = readFileSync(file);
      flipBit(file, Math.floor((flip / 40) * whole.length * 8));
      const { ids, problems } = await read(dir);
      assert.equal(ids.length, (PARTS - 1) * OF_A_PART, `flip ${flip}`);
      assert.ok(
        problems.some((problem) => problem.startsWith(`${file}: damaged`)),
        `flip ${flip}`,
      );
      await assert.rejects(async () => {
        for await (const _ of readRecords(dir));
      }, /damaged/);
      writeFileSync(file, whole);
    }
    for (const file of [clientFile(dir), serverFile(dir)]) {
      flipBit(file, 99);
      const { ids, problems } = await read(dir);
      assert.equal(ids.length, PARTS * OF_A_PART);
      assert.equal(problems.filter((problem) => problem.startsWith(`${file}: damaged`)).length, 1);
      flipBit(file, 99);
    }
  });

  const damages: [string, (dir: string, other: string) => void, number, RegExp][] = [
    ['a part lost', (dir) => rmSync(partFile(dir, 0, 1)), 40, /part-0-00001\.parquet: lost/],
    [
      'a part twice',
      (dir) => copyFileSync(partFile(dir, 0, 1), partFile(dir, 0, 7)),
      60,
      /part-0-00007\.parquet: not a part of this run/,
    ],
    ['a part cut off', (dir) => truncateSync(partFile(dir, 0, 2), 900), 40, /part-0-00002\.parquet: damaged/],
    ['two parts exchanged', exchangeParts, 20, /part-0-00000\.parquet: damaged/],
    [
      'all parts gone',
      (dir) => {
        for (const name of readdirSync(requestsDirectory(dir))) rmSync(join(requestsDirectory(dir), name));
      },
      0,
      /part-0-00002\.parquet: lost/,
    ],
    [
      'run.json of another run',
      (dir, other) => copyFileSync(manifestFile(other), manifestFile(dir)),
      60,
      /server\.parquet: damaged/,
    ],
    [
      'run.json edited by hand',
      (dir) =>
        writeFileSync(manifestFile(dir), readFileSync(manifestFile(dir), 'utf8').replace('"seed": 1', '"seed": 2')),
      60,
      /run\.json: not as Reprise wrote it/,
    ],
    [
      'run.json without its seal, but with the digests that came with seals',
      (dir) => {
        const { seal: _, ...rest } = JSON.parse(readFileSync(manifestFile(dir), 'utf8'));
        writeFileSync(manifestFile(dir), JSON.stringify(rest));
      },
      60,
      /run\.json: not as Reprise wrote it/,
    ],
    ['the client gone', (dir) => rmSync(clientFile(dir)), 60, /client\.parquet: lost/],
    ['the server gone', (dir) => rmSync(serverFile(dir)), 60, /server\.parquet: lost/],
  ];
  for (const [name, damage, left, named] of damages)
    it(`names ${name}`, async (t) => {
      const dir = await sealedRun(t);
      damage(dir, await sealedRun(t, 5));
      const { ids, problems } = await read(dir);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.length, left);
      assert.match(problems.join('\n'), named);
    });
});

it('a run.json with a bit flipped anywhere is used by nobody but who says so', async (t) => {
  const dir = await sealedRun(t);
  const bits = readFileSync(manifestFile(dir)).length * 8;
  for (let bit = 0; bit < bits; bit += 211) {
    flipBit(manifestFile(dir), bit);
    assert.throws(() => readManifest(dir), UserError, `bit ${bit}`);
    flipBit(manifestFile(dir), bit);
  }
  assert.equal(readManifest(dir).seed, 1);
});

it('a file of another run, where this one had none, is not read as its own', async (t) => {
  const [dir, other] = [temporaryRun(t), await sealedRun(t)];
  await appendRecords(dir, batches(records(0, 2)));
  const { workload } = exampleManifest();
  writeManifest(dir, exampleManifest({ workload: { ...workload, requests: 2 } }));
  assert.deepEqual((await read(dir)).problems, []);
  for (const file of [clientFile, serverFile]) {
    copyFileSync(file(other), file(dir));
    assert.match((await read(dir)).problems.join('\n'), /not a file of this run, by the seal/);
  }
  await assert.rejects(openRunFiles(dir).samples(), /client\.parquet: not a file of this run/);
  assert.throws(() => openRunFiles(dir).scrapes(), /server\.parquet: not a file of this run/);
});

it('a run of an earlier version has no seal: parts twice and lost show all the same', async (t) => {
  const dir = await sealedRun(t);
  const { seal, files, ...old } = JSON.parse(readFileSync(manifestFile(dir), 'utf8'));
  assert.ok(typeof seal === 'string' && typeof files === 'object');
  writeFileSync(manifestFile(dir), JSON.stringify(old));
  assert.deepEqual((await read(dir)).problems, []);
  copyFileSync(partFile(dir, 0, 1), partFile(dir, 0, 7));
  const twice = await read(dir);
  assert.equal(twice.ids.length, 60);
  assert.match(twice.problems.join('\n'), /part-0-00007\.parquet: 20 of its requests have a record in a part before/);
  rmSync(partFile(dir, 0, 1));
  rmSync(partFile(dir, 0, 7));
  assert.match((await read(dir)).problems.join('\n'), /requests: 40 records, where 60 requests were planned/);
});

describe('a journal', () => {
  const ENTRIES = 6;
  function journalled(dir: string): string {
    const file = journalFile(dir, 0, 0);
    const journal = new Journal(file);
    for (let entry = 0; entry < ENTRIES; entry++)
      journal.append({ kind: 'finished', records: records(entry * 10, entry * 10 + 10) });
    journal.close();
    return file;
  }

  it('with a flipped bit gives all around it, and names the bytes that are lost', async (t) => {
    const template = temporaryRun(t);
    const size = readFileSync(journalled(template)).length;
    // In the length of the first entry, and its checksum; in the last one's length; and all over the file.
    const lastEntry = Math.floor(size / ENTRIES) * (ENTRIES - 1);
    const bits = [
      0,
      9,
      31,
      32,
      lastEntry * 8,
      ...Array.from({ length: 15 }, (_, i) => Math.floor((i / 15) * size * 8) + 3),
    ];
    for (const bit of bits) {
      const dir = temporaryRun(t);
      cpSync(template, dir, { recursive: true });
      const file = journalFile(dir, 0, 0);
      flipBit(file, bit);
      const { damage } = await recoverRun(dir);
      const { ids } = await read(dir);
      if (ids.length === ENTRIES * 10) continue;
      assert.equal(ids.length, (ENTRIES - 1) * 10, `bit ${bit}`);
      assert.match(damage.join('\n'), /open-0-00000\.journal: bytes \d+ to \d+ damaged/, `bit ${bit}`);
      assert.deepEqual(readdirSync(requestsDirectory(dir)).sort(), [
        'open-0-00000.journal.damaged',
        'part-0-00001.parquet',
      ]);
      assert.match((await recoverRun(dir)).damage.join('\n'), /found before/, 'also when it is mended again');
    }
  });

  it('whose lengths alone are wrong loses nothing', async (t) => {
    for (const bit of [1, 3, 12, 30]) {
      const dir = temporaryRun(t);
      flipBit(journalled(dir), bit);
      assert.deepEqual((await recoverRun(dir)).damage, []);
      assert.equal((await read(dir)).ids.length, ENTRIES * 10);
    }
  });

  it('says what a part had that is gone, or damaged, and forgets nothing that a segment still has', async (t) => {
    const dir = temporaryRun(t);
    await appendRecords(dir, batches(records(0, 20)));
    await appendRecords(dir, batches(records(20, 40)));
    flipBit(partFile(dir, 0, 0), 999);
    rmSync(partFile(dir, 0, 1));
    const { damage, ended } = await recoverRun(dir);
    assert.equal(ended.size, 0);
    assert.match(damage.join('\n'), /part-0-00001\.parquet: lost[^]*part-0-00000\.parquet: damaged/);
  });
});

function exchangeParts(dir: string): void {
  const first = readFileSync(partFile(dir, 0, 0));
  copyFileSync(partFile(dir, 0, 1), partFile(dir, 0, 0));
  writeFileSync(partFile(dir, 0, 1), first);
}
