import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withFolder } from '../../src/search/folder.ts';
import { cli, startCli } from '../cli.ts';
import { readRunFile } from '../written-files.ts';
import { ab, argsOf, folder, NOISY, readComparison, SLOWER } from './ab-runs.ts';

describe('ab in virtual time, again', { concurrency: 2 }, () => {
  it('goes on after kill -9 at any moment: no finished run is made again, and the result is that of one go: slower is worse', async () => {
    const args = argsOf('killed', NOISY, SLOWER, '--repeats', '3', '--quiet');
    let kills = 0;
    const finished = new Map<string, string>();
    for (const afterMs of [300, 900, 1300, 2100]) {
      const { child, result } = startCli(args);
      await sleep(afterMs);
      if (child.kill('SIGKILL')) kills++;
      await result;
      for (const at of ['base/1', 'new/1', 'new/2', 'base/2', 'base/3', 'new/3']) {
        const file = join(folder, 'killed', at, 'run.json');
        if (!existsSync(file) || readRunFile(join(file, '..')).status !== 'complete') continue;
        const text = readFileSync(file, 'utf8');
        assert.equal(text, finished.get(at) ?? text, `${at} was made again`);
        finished.set(at, text);
      }
    }
    assert.ok(kills > 0);
    const done = await cli(...args);
    assert.equal(done.code, 0, done.stderr);
    for (const [at, text] of finished)
      assert.equal(readFileSync(join(folder, 'killed', at, 'run.json'), 'utf8'), text, `${at} was made again`);
    assert.equal(existsSync(join(folder, 'killed', 'ab.lock')), false);
    const whole = await ab('whole', NOISY, SLOWER, '--repeats', '3', '--quiet');
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(readComparison('killed').metrics, readComparison('whole').metrics);
    // The runs are there: what is asked of them may be another thing.
    const slower = await ab('whole', NOISY, SLOWER, '--repeats', '3', '--quiet', '--gate', 'default');
    assert.equal(slower.code, 1, slower.stderr);
    assert.match(slower.stdout, /^✗ gate default missed: .*tpot\.p50 \+/m);
    assert.equal(readComparison('whole').verdict, 'worse');
    const [base, now] = [join(folder, 'whole', 'base'), join(folder, 'whole', 'new')];
    const faster = await cli('compare', now, base, '--gate', 'tpot.p50<=+1%', '--gate', 'tpot.p90<=+1%');
    assert.equal(faster.code, 0, faster.stderr);
    assert.match(faster.stdout, /^✓ gate tpot\.p90<=\+1% held: /m);
  });

  it('goes on in its own folder only, with the same systems, and not beside itself', async () => {
    const first = await ab('own', NOISY, NOISY, '--repeats', '2', '--quiet');
    assert.equal(first.code, 0, first.stderr);
    const other = await ab('own', NOISY, SLOWER, '--repeats', '2');
    assert.equal(other.code, 2);
    assert.match(other.stderr, /own.new.1: this run is of another comparison \(other target\); choose another --out/);

    const more = await ab('own', NOISY, NOISY, '--repeats', '3');
    assert.match(more.stderr, /^4 of 6: base, repeat 2, as an earlier command made it\n5 of 6: base, repeat 3\n/m);
    const fewer = await ab('own', NOISY, NOISY, '--repeats', '2');
    assert.match(fewer.stderr, /own.base.3: would be compared too, and 2 runs of each are asked for/);
    const withCache = await ab('own', NOISY, NOISY, '--repeats', '3', '--reset-cache');
    assert.match(withCache.stderr, /own.base.1: this run is of another comparison \(other --reset-cache\)/);
    const beside = await withFolder(join(folder, 'own'), () => ab('own', NOISY, NOISY, '--repeats', '3'));
    assert.equal(beside.code, 2);
    assert.match(beside.stderr, /another command goes on here/);
    mkdirSync(join(folder, 'foreign', 'new', 'stuff'), { recursive: true });
    writeFileSync(join(folder, 'foreign', 'notes.txt'), 'mine');
    assert.match((await ab('foreign', NOISY, NOISY)).stderr, /foreign: not empty; choose another --out/);
    mkdirSync(join(folder, 'file'));
    writeFileSync(join(folder, 'file', 'base'), 'mine');
    const file = await ab('file', NOISY, NOISY);
    assert.equal(file.code, 2);
    assert.match(file.stderr, /file.base: a folder of runs was to be made here, but this is a file/);
  });
});
