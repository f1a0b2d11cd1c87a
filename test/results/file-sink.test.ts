import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { fillFile } from '../../src/results/writers/file-sink.ts';
import { temporaryFolder } from './some-runs.ts';

it('writes text of any length in its order', async (t) => {
  const file = join(temporaryFolder(t), 'new', 'file.txt');
  const pieces = Array.from({ length: 30_000 }, (_, i) => `größer ${i}\n`);
  await fillFile(file, async (sink) => {
    for (const piece of pieces) sink.write(piece);
  });
  assert.equal(readFileSync(file, 'utf8'), pieces.join(''));
});

it('leaves nothing of a file that was not filled, and says what is in the way', async (t) => {
  const folder = temporaryFolder(t);
  const half = fillFile(join(folder, 'half'), async (sink) => {
    sink.write('x'.repeat(200_000));
    throw new Error('the records end here');
  });
  await assert.rejects(half, /the records end here/);
  mkdirSync(join(folder, 'taken'));
  const taken = fillFile(join(folder, 'taken'), async (sink) => sink.write('x'));
  await assert.rejects(taken, (error) => error instanceof UserError && /taken: cannot be written/.test(error.message));
  assert.deepEqual(readdirSync(folder), ['taken']);
});
