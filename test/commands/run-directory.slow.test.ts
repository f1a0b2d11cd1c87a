import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Journal } from '../../src/runs/journal.ts';
import { journalFile, LOCK_FILE, manifestFile, partFile, writeManifest } from '../../src/runs/run-directory.ts';
import { readRecords } from '../../src/runs/records.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { cli, readJson, temporaryFolder } from '../cli.ts';
import { readRunFile } from '../written-files.ts';
import { withFolder } from '../../src/search/folder.ts';

const folder = temporaryFolder();
const REQUESTS = 40;
const whole = join(folder, 'whole');

/** A copy of a whole run, as `over` changes its manifest. */
function copyOf(name: string, over: Partial<Manifest> = {}): string {
  const dir = join(folder, name);
  cpSync(whole, dir, { recursive: true });
  if (Object.keys(over).length > 0) {
    const { files: _, ...manifest } = readRunFile(dir);
    writeManifest(dir, { ...manifest, ...over });
  }
  return dir;
}

/** A run that was killed: half of its records are in a journal, the rest were not sent. */
async function killed(name: string, over: Partial<Manifest> = {}): Promise<string> {
  const dir = copyOf(name, { status: 'running', ...over });
  const journal = new Journal(journalFile(dir, 0, 5));
  for await (const batch of readRecords(dir))
    for (let from = 0; from < REQUESTS / 2; from += 5)
      journal.append({ kind: 'finished', records: batch.slice(from, from + 5) });
  journal.close();
  rmSync(partFile(dir, 0, 0));
  return dir;
}

before(async () => {
  const trace = join(folder, 'trace.csv');
  const rows = Array.from({ length: REQUESTS }, (_, i) => `${i / 10},20,5`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const ran = await cli('run', trace, '--target', 'reference:vllm-v1', '--clock', 'virtual', '--out', whole);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(existsSync(join(whole, LOCK_FILE)), false);
});

describe('report', () => {
  it('of a damaged part shows the rest, names the file, and ends with 2; compare refuses it', async () => {
    const dir = copyOf('damaged');
    truncateSync(partFile(dir, 0, 0), 500);
    const report = await cli('report', dir);
    assert.equal(report.code, 2);
    assert.match(report.stdout, /! .*part-0-00000\.parquet: damaged/);
    assert.match(report.stderr, /part-0-00000\.parquet: damaged/);
    assert.match(readFileSync(join(dir, 'report.html'), 'utf8'), /part-0-00000\.parquet: damaged/);
    const compared = await cli('compare', whole, dir);
    assert.equal(compared.code, 2);
    assert.match(compared.stderr, /part-0-00000\.parquet: damaged/);
  });

  it('of a damaged journal gives what is around it, names the bytes, and says so each time', async () => {
    const dir = await killed('journal');
    const file = journalFile(dir, 0, 5);
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 4;
    writeFileSync(file, bytes);
    for (let time = 0; time < 2; time++) {
      const { code, stdout, stderr } = await cli('report', dir, '--json');
      assert.equal(code, 2);
      assert.match(stderr, /open-0-00005\.journal: bytes \d+ to \d+ damaged; what they held is lost/);
      const summary: unknown = JSON.parse(stdout);
      assert.ok(typeof summary === 'object' && summary !== null && 'requests' in summary);
      assert.match(JSON.stringify(summary.requests), /"ok":15,"unsent":25|"unsent":25,"ok":15/);
    }
  });

  it('of a killed run whose run.json has changed says so each time, though it is sealed anew; rerun refuses it', async () => {
    const dir = await killed('changed');
    const file = manifestFile(dir);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"timeout_s": 600', '"timeout_s": 602'));
    const again = await cli('rerun', dir, '--out', join(folder, 'again'));
    assert.equal(again.code, 2);
    assert.match(again.stderr, /run\.json: not as Reprise wrote it/);
    for (let time = 0; time < 2; time++) {
      const { code, stderr } = await cli('report', dir);
      assert.equal(code, 2);
      assert.match(stderr, /run\.json: not as Reprise wrote it/);
    }
  });

  it('of a killed run ends with 0, and twice at once with the same, though its pid is used again', async () => {
    const dir = await killed('pair', { pid: process.pid });
    const [one, other] = await Promise.all([cli('report', dir, '--json'), cli('report', dir, '--json')]);
    assert.deepEqual([one.code, other.code], [0, 0], one.stderr + other.stderr);
    assert.equal(one.stdout, other.stdout);
    assert.equal(readRunFile(dir).status, 'interrupted');
    assert.equal((await cli('report', dir)).stderr, '');
  });

  it('of a live run is refused, in whatever pid namespace it runs, and changes nothing', async () => {
    const dir = await killed('live');
    await withFolder(dir, async () => {
      const names = readdirSync(join(dir, 'requests'));
      const { code, stderr } = await cli('report', dir);
      assert.equal(code, 2);
      assert.match(stderr, /live: this run still goes on \(process \d+/);
      assert.deepEqual(readdirSync(join(dir, 'requests')), names);
    });
  });

  it('of a run of 0.3.0, which has no lock, is refused while its process runs, and mended once its id is used again', async () => {
    for (const isLive of [true, false]) {
      const dir = await killed(`old-${isLive}`, { pid: process.pid });
      const { seal: _, host: __, ...old } = readJson(dir, 'run.json');
      const startedAt = new Date(isLive ? Date.now() : 0).toISOString();
      writeFileSync(manifestFile(dir), JSON.stringify({ ...old, started_at: startedAt }));
      const { code, stderr } = await cli('report', dir);
      assert.deepEqual([code, /this run still goes on/.test(stderr)], isLive ? [2, true] : [0, false], stderr);
      assert.equal(readRunFile(dir).status, isLive ? 'running' : 'interrupted');
    }
  });

  it('of a run in a pid namespace of its own is refused from outside while it goes on, and mends it once it was killed', async (t) => {
    const dir = join(folder, 'namespace');
    const args = ['run', 'chat', '--target', 'reference:vllm-v1', '--out', dir, '--quiet'];
    const child = spawn('/usr/bin/unshare', ['-Urpf', '--kill-child', process.execPath, 'src/cli.ts', ...args]);
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    try {
      while (!existsSync(manifestFile(dir)) && child.exitCode === null) await sleep(50);
      if (/unshare/.test(said)) {
        t.skip(`no namespaces here: ${said}`);
        return;
      }
      await sleep(1500);
      const live = await cli('report', dir);
      assert.equal(live.code, 2, live.stdout);
      assert.match(live.stderr, /namespace: this run still goes on/);
    } finally {
      child.kill('SIGKILL');
    }
    await once(child, 'close');
    const report = await cli('report', dir, '--json');
    assert.equal(report.code, 0, report.stderr);
    assert.match(
      String(readRunFile(dir).reason),
      /^the client was killed, or could not write any more; whether what it had started .* cannot be told/,
    );
  });

  it('of a run that another machine wrote last is of a copy, and says why', async () => {
    const dir = await killed('elsewhere', { host: { name: 'gpu-7', boot_id: 'of-gpu-7' } });
    const { code, stdout, stderr } = await cli('report', dir);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /last written on gpu-7, and whether the run still goes on there cannot be told from here; nothing was written/,
    );
    assert.doesNotMatch(stdout, /report: /);
    assert.equal(readRunFile(dir).status, 'running');
  });

  it('of a directory on a read-only mount prints, and says that nothing was written', async (t) => {
    for (const dir of [copyOf('mounted'), await killed('mounted-killed')]) {
      const script = `mount --bind "${dir}" "${dir}" && mount -o remount,ro,bind "${dir}" && exec "${process.execPath}" src/cli.ts report "${dir}"`;
      const { status, stdout, stderr } = spawnSync('/usr/bin/unshare', ['-Urm', 'sh', '-c', script], {
        encoding: 'utf8',
      });
      if (status === null || (/unshare|mount/.test(stderr) && stdout === '')) {
        t.skip(`no mounts here: ${stderr}`);
        return;
      }
      assert.equal(status, 0, stderr);
      assert.match(stderr, /cannot be written; nothing was written/);
      assert.match(stdout, /40 scheduled/);
      assert.doesNotMatch(stdout, /report: /);
    }
  });

  it('makes an edited summary.json again, and names a run.json that is cut off', async () => {
    const dir = copyOf('edited');
    const summary = readFileSync(join(dir, 'summary.json'), 'utf8');
    writeFileSync(join(dir, 'summary.json'), summary.replace(/"scheduled": \d+/, '"scheduled": 7'));
    assert.equal((await cli('report', dir)).code, 0);
    assert.equal(readFileSync(join(dir, 'summary.json'), 'utf8'), summary);
    truncateSync(manifestFile(dir), 300);
    const { code, stderr } = await cli('report', dir);
    assert.equal(code, 2);
    assert.match(stderr, /run\.json: damaged: .*; restore the file/);
  });

  it('of an earlier version says once, on stderr, that it has no seal', async () => {
    const dir = copyOf('unsealed');
    const { seal: _, files: __, host: ___, ...old } = readJson(dir, 'run.json');
    writeFileSync(manifestFile(dir), JSON.stringify(old));
    const { code, stderr } = await cli('report', dir);
    assert.equal(code, 0);
    assert.match(stderr, /^reprise: .*unsealed: has no seal, as an earlier version wrote it;[^\n]*\n$/);
  });
});
