import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UserError } from '../../src/core/errors.ts';
import { isElsewhere, isHeld, thisHost, withDirectory, withEndedRun } from '../../src/runs/owner.ts';
import { LOCK_FILE } from '../../src/runs/run-directory.ts';
import { temporaryRun } from './temporary-run.ts';

const goesOn = (): UserError => new UserError('goes on');

describe('the owner of a directory', () => {
  it('keeps every other out, and is seen', async (t) => {
    const dir = temporaryRun(t);
    assert.equal(isHeld(dir), false);
    await withDirectory(
      dir,
      async () => {
        assert.equal(isHeld(dir), true);
        await assert.rejects(
          withDirectory(dir, async () => assert.fail(), goesOn),
          /goes on/,
        );
        await assert.rejects(
          withEndedRun(dir, async () => assert.fail(), goesOn),
          /goes on/,
        );
      },
      goesOn,
    );
    assert.equal(isHeld(dir), false);
    assert.equal(existsSync(join(dir, LOCK_FILE)), false);
  });

  it('waits for another where the run has ended: never two at once', async (t) => {
    const dir = temporaryRun(t);
    let inside = 0;
    const done: number[] = [];
    const work = (name: number) => async (): Promise<void> => {
      assert.equal(inside++, 0);
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      assert.equal(isHeld(dir), false, 'a report is no live run');
      inside--;
      done.push(name);
    };
    await Promise.all([1, 2, 3].map((name) => withEndedRun(dir, work(name), goesOn)));
    assert.deepEqual(done.sort(), [1, 2, 3]);
    assert.deepEqual(readdirSync(dir), ['requests']);
  });
});

it('what stands where its lock is to be is named, whatever it is, and no file behind a link is touched', async (t) => {
  const dir = temporaryRun(t);
  const [lock, elsewhere] = [join(dir, LOCK_FILE), join(dir, 'elsewhere')];
  const others: Readonly<Record<string, () => void>> = {
    'a loop of links': () => symlinkSync(LOCK_FILE, lock),
    'a link to nothing': () => symlinkSync(elsewhere, lock),
    'a directory': () => mkdirSync(lock),
    'a file': () => writeFileSync(lock, 'mine'),
    'a pipe': () => void spawnSync('mkfifo', [lock]),
  };
  for (const [what, make] of Object.entries(others)) {
    make();
    for (const owned of [withDirectory, withEndedRun])
      await assert.rejects(
        owned(dir, async () => assert.fail(), goesOn),
        (error) => error instanceof UserError && /owner\.lock: is no lock of Reprise/.test(error.message),
        what,
      );
    assert.throws(() => isHeld(dir), /owner\.lock: is no lock of Reprise/, what);
    rmSync(lock, { recursive: true });
  }
  assert.equal(existsSync(elsewhere), false);
});

it('another machine has another name and another boot; a container, or a new boot, one of them', () => {
  const here = thisHost();
  assert.equal(isElsewhere({ host: here }), false);
  assert.equal(isElsewhere({ host: { ...here, name: 'container' } }), here.boot_id === null);
  assert.equal(isElsewhere({ host: { ...here, boot_id: 'before' } }), false);
  assert.equal(isElsewhere({ host: { name: 'other', boot_id: 'other' } }), true);
  assert.equal(isElsewhere({}), false);
});
