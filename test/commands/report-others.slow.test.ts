import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';
import { llmdReport } from '../results/peer-schemas.ts';

const folder = temporaryFolder();
const run = join(folder, 'run');

const compared = z.object({
  columns: z.array(
    z.object({ key: z.string(), latency_ms: z.object({ ttft: z.object({ p99: z.number().nullable() }) }) }),
  ),
  verdicts: z.array(z.object({ of: z.string(), mlperf: z.object({ passes: z.boolean() }).nullable() })),
});

describe('report for others', { concurrency: 2 }, () => {
  before(async () => {
    const { code, stderr } = await cli('run', '--limit', '80', '--clock', 'virtual', '--quiet', '--out', run);
    assert.equal(code, 0, stderr);
  });

  it('shows the run by the definitions of other tools in every format', async () => {
    const as = ['--as', 'vllm,guidellm', '--as', 'mlperf'];
    const [text, markdown, csv, json] = await Promise.all(
      ['text', 'markdown', 'csv', 'json'].map((format) => cli('report', run, ...as, '--format', format)),
    );
    assert.match(text?.stdout ?? '', /Reprise \[1\] +vLLM \[2\] +GuideLLM \[3\]\nTTFT mean +[\d.]+ ms/);
    assert.match(text?.stdout ?? '', /MLPerf early stopping\n.*\nTTFT +[\d.]+ % +90 %/);
    const rows = (markdown?.stdout ?? '').split('\n').filter((line) => line.startsWith('|'));
    assert.deepEqual(new Set(rows.map((row) => row.split('|').length)), new Set([6, 8]));
    const { columns, verdicts } = compared.parse(JSON.parse(json?.stdout ?? ''));
    assert.deepEqual(
      columns.map(({ key }) => key),
      ['reprise', 'vllm', 'guidellm'],
    );
    assert.deepEqual(
      verdicts.map(({ of }) => of),
      ['slo', ...Array(5).fill('ttft'), ...Array(5).fill('tpot')],
    );
    const table: string[][] = parse(csv?.stdout ?? '');
    assert.deepEqual(table[0], ['run_id', 'figure', 'reprise', 'vllm', 'guidellm', 'mlperf']);
    const row = table.find(([, figure]) => figure === 'latency_ms.ttft.p99');
    assert.deepEqual(
      row?.slice(2, 5).map(Number),
      columns.map(({ latency_ms }) => latency_ms.ttft.p99),
    );
    assert.ok(table.some(([, figure]) => figure === 'slo.0.9.verdict'));
  });

  it('writes what others read, beside the run or where it is told, and says where', async () => {
    const beside = await cli('report', run, '--export', 'llmd,junit');
    assert.match(beside.stdout, /\nexported: .*run\/export\/llmd\.json\nexported: .*run\/export\/junit\.xml\n$/);
    llmdReport.parse(readJson(run, 'export', 'llmd.json'));
    const out = join(folder, 'elsewhere');
    const { stdout, stderr } = await cli('report', run, '--export', 'github', '--out', out, '--json');
    assert.equal(z.object({ run_id: z.string() }).parse(JSON.parse(stdout)).run_id, 'run');
    assert.match(stderr, /exported: .*elsewhere\/github-smaller\.json/);
    assert.ok(existsSync(join(out, 'github-bigger.json')));
  });

  it("appends to GitHub's step summary in a step, and to a file elsewhere", async () => {
    const file = join(folder, 'step.md');
    const args = ['report', run, '--export', 'step-summary'];
    await startCli(args, { GITHUB_STEP_SUMMARY: file }).result;
    await startCli(args, { GITHUB_STEP_SUMMARY: file }).result;
    const text = readFileSync(file, 'utf8');
    assert.equal(text.split('```sh').length, 3);
    assert.ok(!existsSync(join(run, 'export', 'step-summary.md')));
    await startCli(args, { GITHUB_STEP_SUMMARY: '' }).result;
    assert.equal(
      readFileSync(join(run, 'export', 'step-summary.md'), 'utf8'),
      readFileSync(join(run, 'summary.md'), 'utf8'),
    );
  });

  it('refuses what it does not know, with what was meant', async () => {
    const mistakes = await Promise.all([
      cli('report', run, '--as', 'vlm'),
      cli('report', run, '--export', 'llmd,', 'aiperf'),
      cli('report', run, '--out', 'x'),
    ]);
    assert.deepEqual(
      mistakes.map(({ code }) => code),
      [2, 2, 2],
    );
    assert.match(mistakes[0].stderr, /--as: got "vlm", expected .*; did you mean "vllm"\?/);
    assert.match(mistakes[1].stderr, /--export: a name is missing; write them without blanks, e\.g\. llmd,aiperf/);
    assert.match(
      mistakes[2].stderr,
      /--out x: is for results of other tools, and for --export; \S+ is a run: leave it out/,
    );
  });
});
