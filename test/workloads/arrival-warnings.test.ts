import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENT } from '../../src/core/log.ts';
import type { TransformSpec } from '../../src/core/plan.ts';
import { defineRun } from '../../src/run/run-options.ts';
import { planRun } from '../../src/run/plan-run.ts';
import { inspectTrace, resolveWorkload, SAMPLES } from '../../workloads/index.ts';
import { scanWorkload } from '../../workloads/open-workload.ts';
import { shared } from '../shared.ts';
import { temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();

function mooncake(timestamps: readonly number[]): string {
  return timestamps
    .map((timestamp, i) => JSON.stringify({ timestamp, input_length: 5, output_length: 1, hash_ids: [i] }))
    .join('\n');
}
function csv(times: readonly number[]): string {
  return ['arrival_s,input_tokens,output_tokens', ...times.map((time) => `${time},5,1`)].join('\n');
}
function native(times: readonly number[]): string {
  const rows = times.map((time) => JSON.stringify({ t_us: time, input_tokens: 5, output_tokens: 1 }));
  return ['{"reprise_trace":1}', ...rows].join('\n');
}

function lengths(timestamps: readonly number[]): string {
  return timestamps.map((timestamp) => JSON.stringify({ timestamp, input_length: 5, output_length: 1 })).join('\n');
}
function namedLog(time: string, times: readonly number[]): string {
  return [`${time},prompt_tokens,completion_tokens`, ...times.map((at) => `${at},5,1`)].join('\n');
}
const steps = (rows: number, step: number): number[] => Array.from({ length: rows }, (_, i) => i * step);

/** What is said of the pace: not which columns are used. */
async function ofInspect(path: string): Promise<readonly string[]> {
  const { warnings } = await inspectTrace(path);
  return warnings.filter((warning) => !/^(?:no_prefix_blocks|columns used)/.test(warning));
}

async function ofRun(path: string, ...transforms: TransformSpec[]): Promise<readonly string[]> {
  return (await scanWorkload({ path, onBadRow: 'fail', transforms }, 1, SILENT)).stats.warnings;
}

describe('the unit of times is doubted at any length', () => {
  const suspect: [what: string, content: string, names: RegExp][] = [
    [
      'seconds as milliseconds, three rows',
      mooncake([0, 0.2, 0.4]),
      /^unit_suspect: 3 requests span 400 us \(5,000 requests\/s\) when times are read as milliseconds, .*first gap is 0\.2 milliseconds; if they are seconds, run with --speed 0\.001$/,
    ],
    [
      'seconds since 1970 as milliseconds',
      mooncake([1731693600.25, 1731693601.75, 1731693603]),
      /seconds.*--speed 0\.001/,
    ],
    ['two rows', mooncake([0, 0.5]), /are seconds.*--speed 0\.001$/],
    ['whole seconds', mooncake([0, 1, 3, 4, 9]), /are seconds.*--speed 0\.001$/],
    ['microseconds as milliseconds', mooncake([0, 200_000, 400_000]), /are microseconds.*--speed 1000$/],
    ['milliseconds as seconds', csv([0, 180, 420, 500]), /read as seconds.* are milliseconds.*--speed 1000$/],
    ['a pace that no service has', csv([0, 0.0001, 0.0002]), /10,000 requests\/s.*--rate RPS or --speed X/],
    ['rows without ids', lengths([0, 0.2, 0.4]), /5,000 requests\/s.* are seconds.*--speed 0\.001$/],
    ['two requests a second and a half apart', mooncake([0, 1.5]), /are seconds.*--speed 0\.001$/],
    ['parts of a second, half a minute apart', lengths([0, 30.25, 61.5, 90]), /are seconds.*--speed 0\.001$/],
    ['a log in ms that has seconds', namedLog('start_ms', steps(50, 0.25)), /name of their column says.* are seconds/],
    ['the same, at a slower pace', namedLog('timestamp_ms', steps(50, 7.5)), /are seconds.*--speed 0\.001$/],
    ['a log in seconds that has ms', namedLog('created_at_s', steps(50, 180)), /are milliseconds.*--speed 1000$/],
    ['a log in us that has ms', namedLog('ts_us', steps(50, 180)), /are milliseconds.*--speed 0\.001$/],
    ['milliseconds as microseconds', native([0, 200, 400]), /are milliseconds.*--speed 0\.001$/],
  ];
  for (const [what, content, names] of suspect)
    it(`${what}, in inspect and in a run alike`, async () => {
      const path = file('suspect', content);
      const warnings = await ofInspect(path);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', names);
      assert.deepEqual(await ofRun(path), warnings);
      const factor = Number(/--speed ([\d.]+)$/.exec(warnings[0] ?? '')?.[1] ?? 0.001);
      assert.deepEqual(await ofRun(path, { op: 'speed', args: { factor } }), [], 'the way out works');
      assert.deepEqual(await ofRun(path, { op: 'rate', args: { rps: 5 } }), []);
    });

  it('not where all is well, nor where the user chose the pace', async () => {
    for (const content of [
      mooncake([0, 3000, 3000, 6000]),
      mooncake([0, 0, 0]),
      mooncake([0, 20]),
      mooncake([1731693600250, 1731693601750, 1731693603000]),
      csv([0, 0.001, 0.002]),
      csv([0, 30]),
      native([0, 1e6, 1.2e6]),
      mooncake([0, 250.125, 400.5, 12_219.3]),
      mooncake([0.5, 70_000.25]),
      lengths([0, 3000, 3000, 6000]),
      namedLog('timestamp_ms', [0, 150.25, 900.5]),
      namedLog('start_ms', [0, 1, 2]),
      namedLog('ts_us', [0, 150_250, 900_500]),
    ]) {
      const path = file('fine', content);
      assert.deepEqual(await ofInspect(path), [], content);
      for (const factor of [1, 1e5, 1e-5]) assert.deepEqual(await ofRun(path, { op: 'speed', args: { factor } }), []);
    }
  });

  it('not where the form is published with its unit, at whatever pace', async () => {
    const burstGpt = namedLog('Timestamp', steps(50, 3e5)).replace(/prompt_.*/, 'Request tokens,Response tokens');
    assert.deepEqual(await ofInspect(file('months.csv', burstGpt)), []);
  });

  it('a start that is far off is one too: a native time since 1970 would wait for decades', async () => {
    const path = file('late', native([1731693600e6, 1731693601e6]));
    const [warning = ''] = await ofRun(path);
    assert.match(warning, /^starts_late: .* 481,026 h .*--window 1731693600s\.\./);
    assert.deepEqual(await ofRun(path, { op: 'window', args: { from_us: 1731693600e6 } }), []);
  });
});

it('times that were rounded are warned of in a run as in inspect', async () => {
  const path = file('ticks', mooncake(Array.from({ length: 200 }, (_, i) => Math.floor(i / 5) * 3000)));
  const { warnings } = await inspectTrace(path);
  assert.match(warnings.join('\n'), /^clumped: 200 requests stand at 40 distinct times, 3\.00 s apart, up to 5 at one/);
  const told: string[] = [];
  const log = { ...SILENT, warn: (text: string) => told.push(text) };
  await planRun(defineRun({ workload: path, target: 'reference', clock: 'virtual' }), { log, newSalt: () => 'salt' });
  assert.deepEqual(
    told,
    warnings.map((warning) => `ticks: ${warning}`),
  );
});

it('the bundled samples and the public Azure trace give no reason to doubt', async (t) => {
  for (const name of Object.keys(SAMPLES)) assert.deepEqual(await ofRun(resolveWorkload(name)), []);
  const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
  if (azure.skip !== false) return t.skip(azure.skip);
  assert.deepEqual(await ofRun(azure.path), []);
});
