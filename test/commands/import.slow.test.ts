import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';
import {
  aiperfLines,
  aiperfSummary,
  guidellmBenchmark,
  guidellmReport,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
  writeLines,
} from '../results/foreign-files.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const at = (...name: string[]): string => join(folder, ...name);

function written(name: string, value: unknown): string {
  writeFileSync(at(name), python(value));
  return at(name);
}

/** Visible text of a page, without its contents and glossary. */
function textOf(dir: string): string {
  return readFileSync(join(dir, 'report.html'), 'utf8')
    .replaceAll(/<(script|style|nav)\b.*?<\/\1>/gs, ' ')
    .replace(/<section id="glossary".*/s, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

it('a result file becomes a run directory, with its SLO; the same file again is the same run, judged anew', async () => {
  const file = written('vllm.json', vllmResult(seenRequests(60)));
  const dir = at('run');
  const first = await cli('report', file, '--slo', 'ttft=1s,tpot=50ms', '--out', dir);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^! Imported from vllm bench serve: .*\n≈ 100 % of requests met TTFT <= 1 s/);
  const { imported, slo, status } = readRunFile(dir);
  assert.deepEqual([imported?.file, imported?.run, imported?.starts, status], [file, 1, 'due', 'complete']);
  assert.equal(slo?.in_place_of, undefined);
  assert.equal(readSummary(dir).requests.ok, 60);

  const again = await cli('report', file, '--slo', 'ttft=60ms', '--out', dir, '--json');
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /"code": "imported"/);
  assert.ok(readdirSync(dir).some((name) => name.startsWith('report-ttft-60ms')));
  assert.equal((await cli('report', dir, '--format', 'csv')).code, 0);

  const text = textOf(dir);
  for (const part of ['The measurement is not judged', 'Where it is from', 'Sent and answered', 'Over time', 'ITL:'])
    assert.ok(text.includes(part), part);
  for (const part of ['How to repeat it', 'client lateness', 'Asked and got', 'event-loop delay'])
    assert.ok(!text.includes(part), part);

  const other = written('other.json', vllmResult(seenRequests(3)));
  const taken = await cli('report', other, '--out', dir);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /run: not empty; choose another --out/);

  const rerun = await cli('rerun', dir);
  assert.equal(rerun.code, 2);
  assert.match(rerun.stderr, /was imported from .*vllm.json: vllm bench serve measured it, .* run the benchmark again/);
});

it('what a file does not say is not on the page', async () => {
  const file = written('sglang.jsonl', sglangResult(seenRequests(60)));
  assert.equal((await cli('report', file, '--out', at('sglang'))).code, 0);
  const text = textOf(at('sglang'));
  assert.ok(!text.includes('Over time') && !text.includes('requests in flight'), 'no time line');
  assert.ok(text.includes('Latency from the time each request was sent'));

  const report = written('benchmarks.json', guidellmReport(guidellmBenchmark(seenRequests(60))));
  assert.equal((await cli('report', report, '--out', at('guidellm'))).code, 0);
  assert.ok(!textOf(at('guidellm')).includes('ITL:'), 'no curve of ITL');
  assert.match(textOf(at('guidellm')), /gaps between its tokens are not known/);
});

it('a folder of AIPerf is a result; several runs are named', async () => {
  mkdirSync(at('artifacts'));
  writeLines(at('artifacts', 'profile_export.jsonl'), aiperfLines(seenRequests(5)));
  writeFileSync(at('artifacts', 'profile_export_aiperf.json'), JSON.stringify(aiperfSummary()));
  const { code, stdout } = await cli('report', at('artifacts'), '--out', at('aiperf'), '--json');
  assert.equal(code, 0);
  assert.match(stdout, /"spec": "http:\/\/\*\*\*@127.0.0.1:8000\/\?key=\*\*\*"/);

  const two = guidellmReport(guidellmBenchmark(seenRequests(3)), guidellmBenchmark(seenRequests(5)));
  const several = await cli('report', written('two.json', two), '--out', at('two'));
  assert.deepEqual([several.code, existsSync(at('two'))], [2, false]);
  assert.match(
    several.stderr,
    /2 runs are in it; name one:\n {2}\S+two.json#1 {2}poisson, 10 requests\/s, 3 requests\n/,
  );
  assert.equal((await cli('report', `${at('two.json')}#2`, '--out', at('two'))).code, 0);
  assert.equal(readSummary(at('two')).requests.ok, 5);
});

it('mistakes are told by the file and the way out', async () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['report', written('csv.json', 'a,b').replace('csv', 'none')], /none.json: no such directory/],
    [['report', written('x.json', { a: 1 })], /no result that is known here: its keys are a; what is read: vllm/],
    [['report', at('vllm.json'), '--at', '95%'], /--at: \S+vllm.json has no SLO to meet; give its limits/],
    [
      ['report', at('run'), '--out', at('y')],
      /--out \S+y: is for results of other tools, and for --export; \S+run is a run/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await cli(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.ok(!stderr.includes('    at '), stderr);
  }
});
