import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LOCK_FILE } from '../../src/runs/run-directory.ts';
import { withFolder } from '../../src/search/folder.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

describe('the folder of a search', () => {
  it('is refused to a second search, which leaves the first its lock', async () => {
    const dir = join(folder, 'twice');
    await withFolder(dir, async () => {
      await assert.rejects(
        withFolder(dir, async () => assert.fail('not to be run')),
        /twice: another command goes on here \("fuser .*owner\.lock" names its process\); wait for it, end it, or choose/,
      );
      assert.ok(existsSync(join(dir, LOCK_FILE)), 'the lock of the first');
    });
  });

  it('is free where a command was killed in it', async () => {
    const dir = join(folder, 'killed');
    mkdirSync(dir);
    writeFileSync(join(dir, LOCK_FILE), '');
    assert.equal(await withFolder(dir, async () => 7), 7);
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
