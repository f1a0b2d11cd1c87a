import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { shared } from '../shared.ts';
import { temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const HEADER = 'arrival_s,input_tokens,output_tokens\n';

function near(got: number | null | undefined, wanted: number): void {
  assert.ok(
    typeof got === 'number' && Math.abs(got - wanted) <= 1e-4 * Math.abs(wanted),
    `${String(got)} for ${wanted}`,
  );
}

function turnOf(session: string, turn: number): string {
  return JSON.stringify({ t_us: turn, input_tokens: 1, output_tokens: 1, session, turn });
}

describe('trace inspect', () => {
  const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
  it('finds the reference figures of the public Azure trace', { skip: azure.skip }, async () => {
    const found = await inspectTrace(azure.path);
    assert.deepEqual([found.format, found.rows, found.bad_rows, found.warnings], ['azure-2023', 19_366, 0, []]);
    near(found.duration_s, 3501.721937);
    near(found.rate_rps, 5.530136);
    near(found.iat_cv, 1.09417);
    near(found.idc['1s'], 1.3851);
    near(found.idc['10s'], 3.857);
    near(found.idc['60s'], 16.1283);
    near(found.peak_10s_over_mean, 1.7721);
    assert.equal(found.max_same_time, 1);
    near(found.input_tokens.mean, 1154.6974);
    near(found.output_tokens.mean, 211.1259);
    const { p50, p90, p99, max } = found.input_tokens;
    assert.deepEqual([p50, p90, p99, max], [1020, 2734.5, 4142, 14_050]);
    const output = found.output_tokens;
    assert.deepEqual([output.p50, output.p90, output.p99, output.max], [129, 424, 601, 1000]);
    assert.deepEqual([found.sessions, found.turns_per_session, found.prefix], [0, null, null]);
  });

  const mooncake = shared('traces/mooncake_conversation_trace.jsonl');
  it('finds the reference figures of the public Mooncake trace', { skip: mooncake.skip }, async () => {
    const found = await inspectTrace(mooncake.path);
    assert.deepEqual([found.format, found.rows, found.bad_rows, found.max_same_time], ['mooncake', 12_031, 0, 28]);
    near(found.duration_s, 3536.999);
    near(found.iat_cv, 3.033737);
    near(found.idc['1s'], 7.8976);
    near(found.idc['10s'], 2.0988);
    near(found.peak_10s_over_mean, 1.9699);
    near(found.input_tokens.mean, 12035.0613);
    near(found.output_tokens.mean, 342.6189);
    assert.equal(found.prefix?.block_tokens, 512);
    near(found.prefix?.max_hit_ratio, 0.366412);
    near(found.prefix?.max_hit_ratio_tokens, 0.373624);
    assert.equal(found.warnings.length, 1);
    assert.match(found.warnings[0] ?? '', /^clumped: 12,031 requests.* 1,180 distinct times, 3\.00 s apart, up to 28 /);
  });

  it('doubts a unit that makes a trace very short or very long', async () => {
    const rows = (stepMs: number): string =>
      Array.from({ length: 200 }, (_, i) =>
        JSON.stringify({ timestamp: i * stepMs, input_length: 5, output_length: 1, hash_ids: [i] }),
      ).join('\n');
    const warnings = async (name: string, content: string): Promise<string> =>
      (await inspectTrace(file(name, content))).warnings.join('\n');
    assert.match(
      await warnings('short.jsonl', rows(20)),
      /^unit_suspect: 200 requests span 3\.98 s .*milliseconds.*seconds/,
    );
    assert.match(await warnings('long.jsonl', rows(2e7)), /^unit_suspect: .* 46 days .*microseconds/);
    assert.equal(await warnings('fine.jsonl', rows(2000)), '');
    assert.match(
      await warnings('long.csv', `${HEADER}0,1,1\n3600000,1,1\n`),
      /^unit_suspect: .* 41 days .*milliseconds/,
    );
    assert.equal(await warnings('short.csv', `${HEADER}0,1,1\n0.5,1,1\n`), '');
  });

  it('counts bad rows, names the first, and measures the rest', async () => {
    const found = await inspectTrace(file('some.csv', `${HEADER}0,10,5\nsoon,1,1\n3,30,7\n`));
    assert.deepEqual([found.rows, found.bad_rows, found.duration_s], [2, 1, 3]);
    assert.match(found.warnings.join('\n'), /some\.csv:3:1: arrival_s is "soon"/);
  });

  it('names the first bad rows and counts the others by what is wrong with them', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({
      timestamp: i * 100,
      input_length: i % 4 === 0 ? 0 : 5,
      output_length: i % 8 === 1 ? -1 : 1,
      hash_ids: [i],
    }));
    const content = rows.map((row) => JSON.stringify(row)).join('\n');
    const found = await inspectTrace(file('zero.jsonl', `${content}\nnonsense\n`));
    assert.deepEqual([found.format, found.rows, found.bad_rows], ['mooncake', 1250, 751]);
    assert.match(found.warnings[0] ?? '', /zero\.jsonl:1: zero_length: input_length is 0/);
    assert.deepEqual(found.warnings.slice(5), [
      '751 rows cannot be replayed: 500 zero_length, 250 negative, 1 otherwise wrong',
    ]);
  });

  it('sorts what is out of order, and says how much is', async () => {
    const found = await inspectTrace(file('order.csv', `${HEADER}5,10,5\n1,1,1\n9,30,7\n8,1,1\n`));
    assert.deepEqual([found.rows, found.duration_s], [4, 8]);
    assert.match(found.warnings.join('\n'), /not_sorted: 2 of 4 rows/);
  });

  it('uses the block size that the header gives, where rows alone would not tell', async () => {
    const content = '{"reprise_trace":1,"block_size":64}\n{"t_us":0,"input_tokens":1,"output_tokens":1,"blocks":[1]}\n';
    assert.equal((await inspectTrace(file('b.rtrace.jsonl', content))).prefix?.block_tokens, 64);
  });

  it('has sessions and their turns', async () => {
    const rows = [turnOf('a', 0), turnOf('b', 0), turnOf('a', 1)].join('\n');
    const found = await inspectTrace(file('s.rtrace.jsonl', `{"reprise_trace":1}\n${rows}\n`));
    assert.deepEqual([found.sessions, found.turns_per_session], [2, 1.5]);
  });

  it('two requests ten years apart take no memory for the years between', async () => {
    const found = await inspectTrace(file('far.csv', `${HEADER}0,10,5\n315360000,10,5\n`));
    assert.equal(found.duration_s, 315_360_000);
    assert.ok((found.idc['60s'] ?? 0) > 0.99);
  });

  it('shows a picture as wide as it says, and every figure with its unit', async () => {
    const text = inspectionText(await inspectTrace(resolveWorkload('chat')));
    assert.match(text, /arrivals\s+[ ▁▂▃▄▅▆▇█]{60}/);
    assert.match(text, /█/);
    assert.match(text, /requests\/s/);
    assert.ok(Math.max(...text.split('\n').map((line) => line.length)) < 160);
  });

  it('a trace shorter than a window has no peak in it, and one request is one', async () => {
    const short = await inspectTrace(file('short.csv', `${HEADER}0,10,5\n0.5,10,5\n9,10,5\n`));
    assert.equal(short.peak_10s_over_mean, null);
    assert.doesNotMatch(inspectionText(short), /peak/);
    const long = await inspectTrace(file('ten.csv', `${HEADER}0,10,5\n9,10,5\n10,10,5\n`));
    assert.equal(long.peak_10s_over_mean, 1);
    assert.match(inspectionText(await inspectTrace(file('one.csv', `${HEADER}0,10,5\n`))), /csv, 1 request;/);
  });

  it('one request alone has no rate and no burstiness', async () => {
    const found = await inspectTrace(file('one.csv', `${HEADER}0,10,5\n`));
    assert.deepEqual(
      [found.rate_rps, found.iat_cv, found.peak_10s_over_mean, found.idc],
      [null, null, null, { '1s': null, '10s': null, '60s': null }],
    );
    assert.doesNotMatch(inspectionText(found), /NaN|undefined/);
  });
});
