import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { readSummary } from '../written-files.ts';
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

  it('is the same in every format, and another share that is wanted stands beside it', async () => {
    const out = join(folder, 'formats');
    assert.equal((await cli('run', '--limit', '40', '--clock', 'virtual', '--out', out)).code, 0);
    const formats = [];
    for (const format of ['text', 'markdown', 'csv', 'json'])
      formats.push(await cli('report', out, '--format', format));
    const [text, markdown, csv, json] = formats.map(({ stdout }) => stdout);
    assert.deepEqual(JSON.parse(json ?? ''), JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
    assert.equal(markdown, `${readFileSync(join(out, 'summary.md'), 'utf8')}\n`);
    const [names = [], row = []] = parse(csv ?? '');
    const figure = (path: string): string | undefined => row[names.indexOf(path)];
    const { latency_ms, slo } = readSummary(out);
    assert.equal(figure('latency_ms.ttft.p99'), String(latency_ms.ttft.p99));
    assert.equal(figure('slo.attainment.joint'), String(slo?.attainment.joint));
    assert.match(text ?? '', /\(wanted: 90 %; /);

    const strict = await cli('report', out, '--at', '99.5%');
    assert.match(strict.stdout, /\(wanted: 99\.5 %; .*report-ttft-100ms-tpot-12ms-at-99\.5\.html\n$/s);
    assert.equal(readSummary(out).slo?.at, 0.9);
  });
});
