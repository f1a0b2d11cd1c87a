import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

it('trace synth writes the same bytes for a seed, says how like a trace they are, and refuses what contradicts', async () => {
  const [one, two] = [join(folder, 'one.rtrace.jsonl'), join(folder, 'two.rtrace.jsonl')];
  const found = await cli('trace', 'synth', one, '--fit', 'chat', '--seed', '7', '--quiet');
  assert.equal(found.code, 0, found.stderr);
  assert.match(found.stdout, /IDC, 10 s .* within 15 %/);
  await cli('trace', 'synth', two, '--fit', 'chat', '--seed', '7', '--quiet');
  assert.deepEqual(readFileSync(one), readFileSync(two));
  const wrong = await cli('trace', 'synth', two, '--fit', 'chat', '--turns', '3');
  assert.deepEqual([wrong.code, /--turns: --fit says all/.test(wrong.stderr)], [2, true], wrong.stderr);
  const nothing = await cli('trace', 'synth', two);
  assert.deepEqual([nothing.code, /--arrivals/.test(nothing.stderr)], [2, true], nothing.stderr);
});
