import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { checkOutputFile, checkReplaceable, openReplaceable, writeTo } from '../../src/core/own-file.ts';
import { openIterationFile } from '../../src/engine/index.ts';
import {
  checkDirectory,
  checkRunDirectory,
  checkTogether,
  createRunDirectory,
  makeDirectory,
} from '../../src/runs/run-directory.ts';
import { withDirectory } from '../../src/runs/owner.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const file = join(folder, 'file');
writeFileSync(file, 'mine');
symlinkSync('loop', join(folder, 'loop'));
symlinkSync('nothing', join(folder, 'dangling'));

const isUsers = (error: unknown): boolean => error instanceof UserError;
/** Where no directory can be, for anybody. */
const IMPOSSIBLE = [
  file,
  join(file, 'below', 'it'),
  join(folder, 'loop'),
  join(folder, 'loop', 'below'),
  join(folder, 'dangling'),
  join(folder, 'n'.repeat(256)),
  join(folder, ...Array.from({ length: 17 }, () => 'n'.repeat(240))),
  // The directory itself is short enough, the files in it are not.
  join(folder, `${'n'.repeat(199)}/`.repeat(21)).slice(0, 4060),
  '/proc/reprise/run',
  '/dev/null',
  '/dev/null/run',
];

describe('a directory to write to', () => {
  it('that cannot be is the user’s to change, whoever asks, and nothing is left of the try', async () => {
    const before = readdirSync(folder);
    for (const dir of IMPOSSIBLE) {
      for (const attempt of [makeDirectory, checkDirectory, checkRunDirectory, createRunDirectory]) {
        if (attempt === makeDirectory && dir.length > 4000) continue; // it is possible
        assert.throws(() => attempt(dir), isUsers, `${attempt.name} of ${dir.slice(-40)}`);
      }
      if (dir.length < 4000)
        await assert.rejects(
          withDirectory(
            dir,
            async () => assert.fail(),
            () => new UserError('held'),
          ),
          isUsers,
        );
    }
    assert.deepEqual(readdirSync(folder), before);
  });

  it('that can be is made with what is missing above it, and a check leaves nothing', () => {
    const deep = join(folder, 'a', 'b', 'c');
    checkRunDirectory(deep);
    assert.equal(readdirSync(folder).includes('a'), false);
    makeDirectory(deep);
    checkRunDirectory(deep);
    assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['c']);
    writeFileSync(join(deep, 'mine'), '');
    assert.throws(() => checkRunDirectory(deep), /not empty/);
  });

  it('whose lock is a file of somebody else', async () => {
    const dir = join(folder, 'locked');
    mkdirSync(dir);
    writeFileSync(join(dir, 'owner.lock'), 'x'.repeat(5000));
    await assert.rejects(
      withDirectory(
        dir,
        async () => assert.fail(),
        () => new UserError('held'),
      ),
      (error) => isUsers(error) && /owner\.lock: is no lock/.test(String(error)),
    );
    assert.equal(readFileSync(join(dir, 'owner.lock'), 'utf8').length, 5000);
  });
});

describe('a file to write to', () => {
  const isOurs = (head: string): boolean => head.startsWith('ours');

  it('keeps what Reprise has not written, whatever that is', () => {
    const path = join(folder, 'some');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        writeFileSync(path, bytes);
        const text = readFileSync(path, 'utf8');
        for (const attempt of [checkReplaceable, checkOutputFile, openReplaceable])
          assert.throws(
            () => attempt(path, isOurs, '--out'),
            (error) => isUsers(error) && String(error).includes(`--out: ${path} is there`),
          );
        assert.throws(() => openIterationFile(path), isUsers);
        assert.equal(readFileSync(path, 'utf8'), text);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('that is a pipe is written to where it has a reader, and not waited for where it has none', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    assert.throws(
      () => openReplaceable(pipe, isOurs, '--out'),
      (error) => isUsers(error) && String(error).includes(`--out: nothing reads the pipe ${pipe}`),
    );
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openReplaceable(pipe, isOurs, '--out');
    writeSync(writer, 'ours');
    const heard = Buffer.alloc(9);
    assert.equal(heard.toString('utf8', 0, readSync(reader, heard)), 'ours');
    for (const end of [reader, writer]) closeSync(end);
  });

  it('that takes no more is named', () => {
    const full = openReplaceable('/dev/full', isOurs, '--out');
    assert.throws(
      () => writeTo(full, 'x', '/dev/full', '--out'),
      (error) => isUsers(error) && /--out: cannot write \/dev\/full: ENOSPC/.test(String(error)),
    );
    closeSync(full);
  });

  it('replaces its own, and what is empty', () => {
    for (const text of ['ours, and more', '']) {
      writeFileSync(join(folder, 'own'), text);
      checkOutputFile(join(folder, 'own'), isOurs, '--out');
      assert.ok(openReplaceable(join(folder, 'own'), isOurs, '--out') > 2);
      assert.equal(readFileSync(join(folder, 'own'), 'utf8'), '');
    }
  });

  it('that cannot be is the user’s to change', () => {
    for (const path of [...IMPOSSIBLE.slice(1, 4), ...IMPOSSIBLE.slice(5, 9), folder, join(folder, 'no', 'where')]) {
      assert.throws(() => checkOutputFile(path, isOurs, '--out'), isUsers, path.slice(-40));
      assert.throws(() => openReplaceable(path, isOurs, '--out'), isUsers, path.slice(-40));
    }
    assert.throws(() => checkOutputFile('/dev/null', isOurs, '--out'), /is no file/);
  });
});

describe('files that are written together', () => {
  const NAMES = ['goodput.json', 'goodput.md', 'goodput.html'] as const;
  const check = (dir: string): void => checkTogether(dir, NAMES, 'of');

  it('are replaced where the first says that it is ours, and no other', () => {
    const dir = mkdtempSync(join(folder, 'set-'));
    check(dir);
    for (const name of NAMES.slice(1)) {
      writeFileSync(join(dir, name), 'mine');
      assert.throws(() => check(dir), /is there without goodput\.json/);
    }
    for (const foreign of ['{}', '[]', '{"schema":1}', '{"schema": 1, "at": 3}', 'schema: 1']) {
      writeFileSync(join(dir, NAMES[0]), foreign);
      assert.throws(() => check(dir), /does not say that Reprise wrote it/);
    }
    writeFileSync(join(dir, NAMES[0]), JSON.stringify({ schema: 1, of: 'trace' }, null, 2));
    check(dir);
  });
});
