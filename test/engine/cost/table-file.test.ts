import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { tablePreset } from '../../../src/engine/cost/table-preset.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/spec.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-table-'));
after(() => rmSync(folder, { recursive: true }));

function written(...lines: readonly string[]): string {
  const path = join(folder, 'times.csv');
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

const HEADER = 'phase,sequences,total_tokens,time_ms';
const ROWS = ['prefill,1,100,10', 'prefill,1,1000,100', 'decode,1,100,5'];
const setting = {
  model: 'llama-3.1-8b',
  gpu: 'h100-sxm',
  tp: 1,
  pp: 1,
  hostFixedUs: 0,
  hostPerSequenceUs: 0,
  mixedBatchPenalty: 1,
} as const;

function prefillMs(path: string, tokens: number, host = 0): number {
  const batch = new Batch();
  batch.addChunk(tokens, 0, true);
  return (
    tablePreset(path)
      .create({ ...setting, hostFixedUs: host, hostPerSequenceUs: host })
      .timeUs(batch) / 1000
  );
}

describe('a file of one phase a row', () => {
  test('holds for any setting where it says none; columns in any order, others ignored', () => {
    const path = written(
      'Time_ms, note,phase,total_tokens,sequences',
      '10,a,prefill,100,1',
      '100,,prefill,1000,1',
      '5,b,decode,100,1',
    );
    assert.equal(prefillMs(path, 550), 55);
  });

  test('of several settings: the rows of the one asked for, and those that say nothing', () => {
    const path = written(
      `${HEADER},model,gpu,tp`,
      'prefill,1,100,10,llama-3.1-8b,h100-sxm,1',
      'prefill,1,1000,100,llama-3.1-8b,h100-sxm,1',
      'prefill,1,1000,55,llama-3.1-8b,h100-sxm,2',
      'prefill,1,1000,300,llama-3.1-8b,a100-80gb,1',
      'decode,1,100,5,,,',
    );
    assert.equal(prefillMs(path, 550), 55);
    assert.throws(
      () => tablePreset(path).create({ ...setting, model: 'opt-13b' }),
      /fewer than two sizes of prefill for opt-13b at tp=1 on h100-sxm; it has llama-3\.1-8b at tp=1 on h100-sxm, .*llama-3\.1-8b at tp=1 on a100-sxm-80g, any model at tp=any on any GPU/,
    );
  });

  test('rows of one point count as their median', () => {
    assert.equal(prefillMs(written(HEADER, ...ROWS, 'prefill,1,100,12', 'prefill,1,100,90'), 100), 12);
  });

  test('it has the overhead of the host in it; more can be added', () => {
    assert.equal(prefillMs(written(HEADER, ...ROWS), 100, 500), 11);
  });
});

describe('a point that contradicts others is left out and named', () => {
  test('the one in most contradictions', () => {
    const path = written(HEADER, ...ROWS, 'prefill,2,2000,200', 'prefill,4,4000,30', 'prefill,1,500,50');
    assert.deepEqual(tablePreset(path).outliers(setting), [
      `${path}:6: prefill of 4000 tokens in a batch of 4 is left out as an outlier: 30.0 ms (median of 1), where 2000 tokens in a batch of 2 took 200.0 ms`,
    ]);
    assert.deepEqual(parseEngineSpec(`cost=${path}`).warnings, tablePreset(path).outliers(setting));
  });

  test('a small one that took long too', () => {
    const path = written(HEADER, ...ROWS, 'decode,2,300,5', 'decode,3,400,6', 'decode,1,50,20');
    assert.match(
      tablePreset(path).outliers(setting).join(),
      /^[^;]*decode of 50 tokens in a batch of 1 is left out .* took 5\.0 ms$/,
    );
  });

  test('nothing of what is merely noisy', () => {
    const path = written(HEADER, ...ROWS, 'prefill,1,2000,51');
    assert.deepEqual(tablePreset(path).outliers(setting), []);
  });
});

describe('an engine', () => {
  test('carries the path and the content of its table, and refuses another content', () => {
    const path = written(HEADER, ...ROWS);
    const spec = parseEngineSpec(`cost=${path}`);
    assert.equal(spec.options['cost'], path);
    assert.match(String(spec.options['cost_sha256']), /^[0-9a-f]{64}$/);
    assert.equal(spec.options['host_fixed_us'], 0);
    assert.equal(createEngine(JSON.parse(JSON.stringify(spec)), { clock: new VirtualClock() }).maxModelLen, 131072);
    written(HEADER, ...ROWS, 'decode,1,200,6');
    assert.throws(() => createEngine(spec, { clock: new VirtualClock() }), /cost_sha256=.* does not hold: it is /);
  });
});

describe('mistakes name file, line, column, value and what was expected', () => {
  const cases: readonly (readonly [what: string, lines: readonly string[], message: RegExp])[] = [
    ['phase', [HEADER, 'prefil,1,100,10'], /times\.csv:2:1: phase is "prefil", expected prefill or decode/],
    ['no number', [HEADER, ...ROWS, 'decode,1,x,10'], /times\.csv:5:3: total_tokens is "x", expected a whole number/],
    ['zero', [HEADER, 'decode,0,100,10'], /:2:2: sequences is "0", expected a whole number from 1/],
    ['no time', [HEADER, 'decode,1,100,0'], /:2:4: time_ms is "0", expected milliseconds above 0/],
    ['negative', [HEADER, 'decode,1,100,-3'], /:2:4: time_ms is "-3", expected milliseconds/],
    [
      'one length',
      [HEADER, 'decode,8,5,10'],
      /:2:3: total_tokens is "5", expected the tokens of all sequences together/,
    ],
    ['tp', [`${HEADER},tp`, 'decode,1,100,10,two'], /:2:5: tp is "two", expected a whole number from 1, or nothing/],
    [
      'columns',
      ['phase,tokens,time_ms', 'decode,1,10'],
      /:1: the columns phase, tokens, time_ms are not .* expected phase, sequences, total_tokens, time_ms \(one phase a row\) or model, hardware/,
    ],
    ['cells', [HEADER, 'decode,1,100'], /times\.csv: not well-formed CSV: .* line 2/],
    ['nothing', [HEADER], /no row follows the header/],
    ['empty', [], /:1: the columns/],
    ['one phase', [HEADER, 'prefill,1,100,10', 'prefill,1,200,10'], /has no decodes for llama-3\.1-8b/],
    ['one size', [HEADER, 'prefill,1,100,10', 'decode,1,200,10'], /fewer than two sizes of prefill/],
  ];
  for (const [what, lines, message] of cases)
    test(what, () => {
      const path = written(...lines);
      assert.throws(
        () => parseEngineSpec(`cost=${path}`),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });

  test('a file that is not there', () => {
    assert.throws(() => parseEngineSpec('cost=nowhere.csv'), /cost=\/.*nowhere\.csv cannot be read: ENOENT/);
  });
});
