import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const TURNS = ['--turns', '4', '--prefixes', 'groups:count=3,tokens=64'];

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

it('trace synth --fit has the figures of the file beside those of the fit where it is shorter, or holds less', async () => {
  const out = join(folder, 'short.rtrace.jsonl');
  const { stdout } = await cli('trace', 'synth', out, '--fit', 'chat', '--requests', '30', '--quiet');
  assert.match(stdout, /^requests +[\d,]+ +[\d,]+ +30$/m);
  const rows = readFileSync(out, 'utf8').trimEnd().split('\n').length - 1;
  assert.equal(rows, 30);
  // One that is as long has one column, unless its format leaves the blocks out.
  const whole = await cli('trace', 'synth', out, '--fit', 'chat', '--quiet');
  assert.match(whole.stdout, /which is as long$/m);
  const blocks = join(folder, 'blocks.rtrace.jsonl');
  await cli(
    ...'trace synth --arrivals poisson:rate=5 --input 200 --output 20 --duration 20s'.split(' '),
    blocks,
    ...TURNS,
  );
  const bare = await cli('trace', 'synth', join(folder, 'bare.csv'), '--fit', blocks, '--quiet');
  assert.match(
    bare.stdout,
    /^reusable prefix blocks +[\d.]+ +[\d.]+ +within [\d.]+ +-$|^reusable prefix blocks .* beyond +-$/m,
  );
});
