import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  acceptNight,
  appendNight,
  branchFolder,
  branchFolders,
  expireRuns,
  historyOf,
  nightPage,
  nightToAccept,
  readHistory,
} from '../../../src/search/nightly/history.ts';
import { UserError } from '../../../src/core/errors.ts';
import type { Night } from '../../../src/schema/history.ts';
import { temporaryFolder } from '../../cli.ts';
import { exampleNights } from '../../trend/example-nights.ts';

const root = temporaryFolder();
let made = 0;

/** A branch whose nights are in its history, with an empty folder for each run. */
function branchOf(nights: readonly Night[]): string {
  const folder = join(root, `branch-${++made}`);
  for (const night of nights) {
    appendNight(folder, night);
    mkdirSync(join(folder, night.dir), { recursive: true });
  }
  return folder;
}

describe('the history of a branch', () => {
  it('is read as it was written, and only ever grows', () => {
    const nights = exampleNights({ nights: 3, invalid: [2] });
    const folder = branchOf(nights);
    const before = readFileSync(join(folder, 'history.jsonl'), 'utf8');
    assert.deepEqual(readHistory(folder).nights, nights);
    appendNight(folder, nights[0] ?? assert.fail());
    assert.ok(readFileSync(join(folder, 'history.jsonl'), 'utf8').startsWith(before));
    assert.deepEqual(readHistory(join(root, 'nowhere')), { folder: join(root, 'nowhere'), nights: [], accepted: null });
  });

  it('names a line that is damaged, and goes on behind one that is torn', () => {
    const [first, second] = exampleNights({ nights: 2 });
    assert.ok(first !== undefined && second !== undefined);
    const folder = branchOf([first]);
    appendFileSync(join(folder, 'history.jsonl'), '{"schema":1,"run');
    assert.throws(() => readHistory(folder), /history\.jsonl:2: damaged: .*; restore it, or remove it$/);
    appendNight(folder, second);
    const lines = readFileSync(join(folder, 'history.jsonl'), 'utf8').split('\n');
    assert.equal(JSON.parse(lines[2] ?? '').run_id, second.run_id);
    assert.throws(() => readHistory(branchOf([{ ...first, valid: 'yes' } as unknown as Night])), /another version/);
  });

  it('with a bit flipped anywhere in a line, or in what is accepted, is not taken for what was measured', () => {
    const folder = branchOf(exampleNights({ nights: 2 }));
    const [night = assert.fail()] = readHistory(folder).nights;
    acceptNight(readHistory(folder), night, '2026-09-09T00:00:00.000Z');
    const { nights } = readHistory(folder);
    for (const name of ['history.jsonl', 'accepted.json']) {
      const file = join(folder, name);
      const bytes = readFileSync(file);
      for (let bit = 0; bit < bytes.length * 8; bit += 61) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(file, flipped);
        assert.throws(() => readHistory(folder), UserError, `${name}, bit ${bit}`);
      }
      writeFileSync(file, bytes);
    }
    assert.deepEqual(readHistory(folder).nights, nights);
  });

  it('of before nights had a seal, or could be of a goodput is of runs', () => {
    const [night] = exampleNights({ nights: 1 });
    const folder = branchOf([night ?? assert.fail()]);
    const file = join(folder, 'history.jsonl');
    const before = readFileSync(file, 'utf8').replace('"measured":{"kind":"run"},', '');
    assert.throws(() => {
      writeFileSync(file, before);
      readHistory(folder);
    }, /history\.jsonl:1: not as Reprise wrote it/);
    writeFileSync(file, before.replace(/,"seal":"\w+"/, ''));
    assert.ok(!/measured|seal/.test(readFileSync(file, 'utf8')));
    assert.deepEqual(readHistory(folder).nights, [night]);
  });

  it('links a night to what it measured, while that is there', () => {
    const [night = assert.fail()] = exampleNights({ nights: 1 });
    const folder = branchOf([night]);
    const search: Night = { ...night, measured: { kind: 'goodput', of: 'trace', arrivals: 'trace', at: [0.9] } };
    assert.deepEqual([nightPage(folder, night), nightPage(folder, search)], [null, null]);
    for (const name of ['report.html', 'goodput.html']) writeFileSync(join(folder, night.dir, name), '');
    assert.deepEqual(
      [nightPage(folder, night), nightPage(folder, search)],
      [`${night.dir}/report.html`, `${night.dir}/goodput.html`],
    );
  });

  it('is in a folder for each branch, and never in that of another', () => {
    assert.equal(branchFolder('n', 'main'), join('n', 'main'));
    assert.equal(branchFolder('n', 'fix/ttft p99'), join('n', 'fix-ttft-p99'));
    assert.equal(branchFolder('n', '../../etc'), join('n', '--..-etc'));
    const dir = join(root, 'two');
    const [night] = exampleNights({ nights: 1 });
    appendNight(branchFolder(dir, 'fix/a'), { ...(night ?? assert.fail()), branch: 'fix/a' });
    assert.throws(() => historyOf(dir, 'fix-a'), /--branch fix-a: .*fix-a is that of the branch fix\/a/);
    assert.deepEqual(branchFolders(dir), [join(dir, 'fix-a')]);
    assert.deepEqual(branchFolders(join(dir, 'fix-a')), [join(dir, 'fix-a')]);
    assert.throws(() => branchFolders(join(root, 'none')), /none: no history\.jsonl in it/);
  });
});

describe('--accept', () => {
  it('takes the newest valid night, or the one that is named', () => {
    const nights = exampleNights({ nights: 4, invalid: [4] });
    const folder = branchOf(nights);
    const history = readHistory(folder);
    assert.equal(nightToAccept(history, null).run_id, nights[2]?.run_id);
    const second = nightToAccept(history, nights[1]?.run_id ?? '');
    acceptNight(history, second, '2026-09-09T00:00:00.000Z');
    assert.deepEqual(readHistory(folder).accepted, {
      schema: 1,
      run_id: second.run_id,
      dir: second.dir,
      accepted_at: '2026-09-09T00:00:00.000Z',
    });
  });
  it('says why a night cannot be accepted', () => {
    const nights = exampleNights({ nights: 8, invalid: [2] });
    const history = readHistory(branchOf(nights));
    assert.throws(
      () => nightToAccept(history, '7'),
      /--accept 7: .* has no such night; it has \.\.\., 20260904T020000Z, /,
    );
    assert.throws(() => nightToAccept(history, nights[1]?.run_id ?? ''), /is not valid: the client fell behind/);
    assert.throws(() => nightToAccept({ ...history, folder: join(root, 'gone') }, null), /its run is gone/);
    assert.throws(() => nightToAccept({ ...history, nights: [] }, null), /no valid night yet/);
  });
});

describe('--expire', () => {
  it('deletes old runs, but never the accepted one, the last forty, or a line', () => {
    const nights = exampleNights({ nights: 45 });
    const folder = branchOf(nights);
    const [first, second] = nights;
    assert.ok(first !== undefined && second !== undefined);
    acceptNight(readHistory(folder), second, '');
    // Night 1 started on 2026-09-01; nights 1 to 5 are not among the last forty.
    assert.deepEqual(expireRuns(readHistory(folder), '2026-08-01T00:00:00.000Z'), []);
    const gone = expireRuns(readHistory(folder), '2026-09-04T00:00:00.000Z');
    assert.deepEqual(
      gone,
      [first, nights[2]].map((night) => join(folder, night?.dir ?? '')),
    );
    assert.equal(expireRuns(readHistory(folder), '2027-01-01T00:00:00.000Z').length, 2);
    assert.equal(readHistory(folder).nights.length, 45);
    assert.deepEqual(nights.filter(({ dir }) => existsSync(join(folder, dir))).length, 41);
  });
});
