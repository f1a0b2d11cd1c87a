import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runArgument } from '../../src/commands/run-argument.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

function folderWith(name: string, ...files: readonly string[]): string {
  const dir = join(folder, name);
  mkdirSync(dir);
  for (const file of files) writeFileSync(join(dir, file), '{}');
  return dir;
}

test('a run is named by its folder or by a file in it', () => {
  const run = folderWith('run', 'run.json', 'report.html');
  assert.equal(runArgument(run), run);
  assert.equal(runArgument(join(run, 'report.html')), run);
});

test('the folder of a search is no run, and says where its runs are', () => {
  const one = folderWith('one', 'goodput.json');
  assert.throws(() => runArgument(one), {
    name: 'UserError',
    message: `${one}: is a search for the goodput, not a run; its report is ${one}/goodput.html, its runs are ${one}/probes/* or ${one}/traffic`,
  });
  assert.throws(() => runArgument(folderWith('several', 'goodputs.json')), /its runs are .*several\/\*\/probes\/\* or/);
  const sweep = folderWith('sweep', 'sweep.json');
  assert.equal(runArgument(sweep), sweep);
});
