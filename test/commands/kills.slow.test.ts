import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomStream } from '../../src/core/random.ts';
import { killOnce } from '../../scripts/kills.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const KILLS = 5;

it('a run that is killed at any moment is mended by two reports at once: nothing older than a second lost, none twice', async () => {
  const random = randomStream(19, 'kills');
  for (let kill = 0; kill < KILLS; kill++) {
    const workers = 1 + (kill % 2);
    assert.deepEqual(await killOnce(folder, random, workers), [], `kill ${kill}, ${workers} workers`);
  }
});
