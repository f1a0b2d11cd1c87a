import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, startCli, temporaryFolder } from '../cli.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const folder = temporaryFolder();

describe('what is printed', { concurrency: 2 }, () => {
  it('goes on without a reader: the run is kept', async () => {
    const out = join(folder, 'unread');
    const { child, result } = startCli(['run', '--limit', '5', '--speed', '4', '--out', out]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    assert.equal((await result).code, 0);
    assert.ok(existsSync(join(out, 'report.html')));
  });

  it('is one clear message where it cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [CLI, 'engine', 'list'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let stderr = '';
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.match(stderr, /^error: stdout: ENOSPC[^\n]*\n$/);
    assert.equal(code, 2);
  });

  it('is the list of SLOs, wherever an SLO is taken', async () => {
    const lists = await Promise.all(['run', 'report', 'place'].map((command) => cli(command, '--slo', 'list')));
    for (const { code, stdout } of lists) assert.deepEqual([code, stdout], [0, lists[0]?.stdout]);
  });
});
