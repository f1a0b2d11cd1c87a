import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LOCK_FILE, withFolder } from '../../src/search/folder-lock.ts';
import { readJson, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

/** A folder whose lock says so. */
function locked(name: string, text: string): string {
  const dir = join(folder, name);
  mkdirSync(dir);
  writeFileSync(join(dir, LOCK_FILE), text);
  return dir;
}

describe('the folder of a search', () => {
  it('is refused while a process that goes on has it, by its id', async () => {
    const dir = locked('held', JSON.stringify({ pid: process.ppid }));
    let hasRun = false;
    await assert.rejects(
      withFolder(dir, async () => {
        hasRun = true;
      }),
      new RegExp(`held: another command goes on here \\(process ${process.ppid}\\); wait for it, end it, or choose`),
    );
    assert.equal(hasRun, false);
    assert.deepEqual(readJson(dir, LOCK_FILE), { pid: process.ppid });
  });

  it('is refused to a second search of the same process', async () => {
    const dir = join(folder, 'twice');
    await withFolder(dir, async () => {
      assert.deepEqual(readJson(dir, LOCK_FILE), { pid: process.pid });
      await assert.rejects(
        withFolder(dir, async () => undefined),
        /another command goes on here/,
      );
      assert.ok(existsSync(join(dir, LOCK_FILE)), 'the lock of the first');
    });
  });

  for (const [what, text] of [
    // Above the highest id that Linux gives.
    ['has ended', JSON.stringify({ pid: 2 ** 22 + 1 })],
    ['had this id before', JSON.stringify({ pid: process.pid })],
    ['was killed as it wrote its id', ''],
  ] as const)
    it(`is free where its process ${what}`, async () => {
      const dir = locked(what, text);
      const held = await withFolder(dir, async () => readJson(dir, LOCK_FILE));
      assert.deepEqual(held, { pid: process.pid });
    });

  it('is free again however the search ended, and goes where it holds nothing', async () => {
    const dir = join(folder, 'made', 'below');
    await assert.rejects(
      withFolder(dir, () => Promise.reject(new Error('refused'))),
      /refused/,
    );
    assert.equal(existsSync(dir), false);
    const result = await withFolder(dir, async () => {
      writeFileSync(join(dir, 'goodput.json'), '{}');
      return 7;
    });
    assert.equal(result, 7);
    assert.deepEqual(readdirSync(dir), ['goodput.json']);
  });
});
