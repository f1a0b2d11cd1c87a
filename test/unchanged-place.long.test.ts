import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { placeExample, placeSha256 } from '../scripts/place-example.ts';
import { cli, readJson, temporaryFolder } from './cli.ts';
import { shared } from './shared.ts';

const { place } = z
  .looseObject({ place: z.object({ trace: z.string(), sha256: z.string() }) })
  .parse(readJson(import.meta.dirname, 'fixtures', 'before-joints.json'));
const folder = temporaryFolder();
const { path, skip } = shared(`traces/${place.trace}`);

// A file of its own, to run beside the others: it takes half a minute on two cores.
it('the placement search of the README finds what it found before', { skip }, async () => {
  const out = join(folder, 'placement');
  const { code, stderr } = await cli(...placeExample(path, out));
  assert.equal(code, 0, stderr);
  assert.equal(placeSha256(out), place.sha256);
});
