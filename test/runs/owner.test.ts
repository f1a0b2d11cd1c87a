import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
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

it('another machine has another name and another boot; a container, or a new boot, one of them', () => {
  const here = thisHost();
  assert.equal(isElsewhere({ host: here }), false);
  assert.equal(isElsewhere({ host: { ...here, name: 'container' } }), here.boot_id === null);
  assert.equal(isElsewhere({ host: { ...here, boot_id: 'before' } }), false);
  assert.equal(isElsewhere({ host: { name: 'other', boot_id: 'other' } }), true);
  assert.equal(isElsewhere({}), false);
});
