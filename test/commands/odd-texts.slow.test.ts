import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const NASTY = 'n\u001B[2J\u001B]8;;x\u0007\u009B1m\u202Ey';
const LONG = `${NASTY}${'x'.repeat(3e6)}`;
const VIRTUAL = ['--clock', 'virtual', '--target', 'reference', '--out'];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const rows = (text: string): string =>
  [
    { reprise_trace: 1 },
    ...[0, 1].map((i) => ({
      id: `${text}${i}`,
      t_us: i * 1e6,
      input_tokens: 8,
      output_tokens: 2,
      model: text,
      class: text,
    })),
  ]
    .map((row) => JSON.stringify(row))
    .join('\n');

/** Cases that are no mistake. */
const RUNS: ReadonlySet<string> = new Set(['the name of a trace', 'the names of columns', 'ids and models']);

/** Texts of a user's files that a terminal would obey, or that are far too long, and the commands that read them. */
const CASES: Readonly<Record<string, () => readonly string[]>> = {
  'the name of a trace': () => [
    'run',
    file(`${NASTY}.csv`, 'arrival_s,input_tokens,output_tokens\n0,8,2\n1,8,2\n'),
    ...VIRTUAL,
    join(folder, 'name'),
  ],
  'the name of a file that is not there': () => [
    'run',
    join(folder, `none-${NASTY}`),
    ...VIRTUAL,
    join(folder, 'none'),
  ],
  'a cell': () => [
    'run',
    file('cell.csv', `arrival_s,input_tokens,output_tokens\n0,${LONG},2\n`),
    ...VIRTUAL,
    join(folder, 'cell'),
  ],
  'a time': () => [
    'run',
    file('time.csv', `arrival_s,input_tokens,output_tokens\n${NASTY},8,2\n`),
    ...VIRTUAL,
    join(folder, 'time'),
  ],
  'the names of columns': () => [
    'run',
    file('columns.csv', `arrival_s,input_tokens,output_tokens,${LONG}\n0,8,2,3\n`),
    ...VIRTUAL,
    join(folder, 'columns'),
  ],
  'a first line': () => ['run', file('first.csv', `${LONG}\n${LONG}\n`), ...VIRTUAL, join(folder, 'first')],
  'ids and models': () => [
    'run',
    file('ids.rtrace.jsonl', rows(NASTY)),
    ...VIRTUAL,
    join(folder, 'ids'),
    '--slo',
    'ttft=1us',
  ],
  'a tokenizer': () => [
    'run',
    'chat',
    '--target',
    'http://127.0.0.1:1',
    '--tokenizer',
    file('tokenizer.json', `{"${LONG}`),
    '--out',
    join(folder, 'tokenizer'),
  ],
  'a table of costs': () => [
    'run',
    'chat',
    '--clock',
    'virtual',
    '--target',
    `reference:vllm-v1,cost=${file('costs.csv', `${LONG},b\n1,2\n`)}`,
  ],
  'a config file': () => ['run', '--config', file('options.yaml', `${NASTY}: 1\n`)],
  'a result of another tool': () => ['report', file('result.json', JSON.stringify({ [LONG]: LONG, model_id: LONG }))],
  'an option': () => ['run', 'chat', `--${NASTY}`],
};

describe('what a terminal would obey is shown, and what is long is cut', { concurrency: 2 }, () => {
  for (const [what, args] of Object.entries(CASES))
    it(`in ${what}`, async () => {
      const { code, stdout, stderr } = await cli(...args());
      assert.equal(code, RUNS.has(what) ? 0 : 2, stderr.slice(0, 2000));
      // oxlint-disable-next-line no-control-regex -- What a terminal obeys.
      assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/);
      assert.ok(stdout.length + stderr.length < 100_000, `${stdout.length + stderr.length}`);
      assert.ok(stdout.length + stderr.length > 0);
    });
});
