import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  GapStatistics,
  LagCorrelation,
  LengthStatistics,
  TraceInspection,
} from '../../src/core/trace-inspection.ts';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { shared } from '../shared.ts';
import { temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const HEADER = 'arrival_s,input_tokens,output_tokens\n';

function near(got: number | null | undefined, wanted: number, relative = 1e-4): void {
  assert.ok(
    typeof got === 'number' && Math.abs(got - wanted) <= relative * Math.abs(wanted),
    `${String(got)} for ${wanted}`,
  );
}

function correlations(got: readonly LagCorrelation[], wanted: readonly number[]): void {
  assert.equal(got.length, wanted.length);
  for (const [i, { lag, r }] of got.entries())
    assert.ok(Math.abs(r - (wanted[i] ?? Number.NaN)) < 1e-3, `${r} for ${wanted[i]} at lag ${lag}`);
}

function gaps(got: GapStatistics | null, percentiles: readonly number[], zeros: number, acf: readonly number[]): void {
  assert.ok(got !== null);
  assert.deepEqual(
    [got.p50_s, got.p90_s, got.p99_s, got.max_s].map((each) => Number(each.toFixed(6))),
    percentiles,
  );
  assert.equal(got.zeros, zeros);
  correlations(got.acf, acf);
}

/** IDC, peak over mean, highest count and empty bins by window in seconds. */
function windows({ windows: all }: TraceInspection, wanted: Readonly<Record<number, readonly number[]>>): void {
  for (const [window, [idc = 0, peak = 0, most, empty]] of Object.entries(wanted)) {
    const found = all.find(({ window_s }) => window_s === Number(window));
    near(found?.idc, idc);
    near(found?.peak_over_mean, peak);
    assert.deepEqual([found?.max_count, found?.empty], [most, empty]);
  }
}

function counts({ windows: all }: TraceInspection, wanted: Readonly<Record<number, readonly number[]>>): void {
  for (const [window, acf] of Object.entries(wanted))
    correlations(all.find(({ window_s }) => window_s === Number(window))?.acf ?? [], acf);
}

/** Mean, deviation, CV, sum; min, p1, p5, p10, p25, p50, p75, p90, p95, p99, p99.9, max. */
function lengths(
  got: LengthStatistics,
  [mean = 0, sd = 0, cv = 0, sum]: readonly number[],
  percentiles: readonly number[],
): void {
  near(got.mean, mean, 1e-6);
  near(got.sd, sd, 1e-6);
  near(got.cv, cv);
  assert.equal(got.sum, sum);
  const { min, p1, p5, p10, p25, p50, p75, p90, p95, p99, p999, max } = got;
  assert.deepEqual(
    [min, p1, p5, p10, p25, p50, p75, p90, p95, p99, p999, max].map((each) => Number(each?.toFixed(6))),
    percentiles,
  );
}

function turnOf(session: string, turn: number): string {
  return JSON.stringify({ t_us: turn, input_tokens: 1, output_tokens: 1, session, turn });
}

describe('trace inspect', () => {
  const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
  it('finds the reference figures of the public Azure trace', { skip: azure.skip }, async () => {
    const found = await inspectTrace(azure.path);
    assert.deepEqual([found.format, found.rows, found.bad_rows], ['azure-2023', 19_366, 0]);
    assert.equal(found.sha256, '2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8');
    assert.deepEqual(found.warnings, []);
    near(found.duration_s, 3501.721937, 1e-9);
    near(found.rate_rps, 5.530136, 1e-6);
    near(found.iat_cv, 1.09417, 1e-6);
    assert.deepEqual([found.max_same_time, found.distinct_times, found.out_of_order], [1, 19_366, 0]);
    assert.deepEqual([found.resolution_s, found.longest_silence], [1e-6, { s: 4.314579, from_s: 0 }]);
    gaps(found.iat, [0.118424, 0.420656, 0.889671, 4.314579], 0, [0.0616, 0.0552, 0.0761, 0.046, 0.0313]);
    near(found.iat?.mean_s, 0.180827, 1e-5);
    near(found.iat?.ks_exponential, 0.0217, 0.003);
    windows(found, {
      1: [1.3851, 2.8932, 16, 38],
      10: [3.857, 1.7721, 98, 0],
      60: [16.1283, 1.528, 507, 0],
      300: [56.0952, 1.3496, 2239, 0],
    });
    counts(found, { 1: [0.2189, 0.1774, 0.2018], 10: [0.6908, 0.6399, 0.5238] });
    const input = [2, 29, 181, 207, 396, 1020, 1189, 2734.5, 4083, 4142, 6179.15, 14_050];
    lengths(found.input_tokens, [1154.6974, 1108.7939, 0.9602, 22_361_870], input);
    const output = [7, 16, 41, 54, 85, 129, 395, 424, 451, 601, 954, 1000];
    lengths(found.output_tokens, [211.1259, 162.8663, 0.7714, 4_088_665], output);
    near(found.total_tokens.mean, 1365.8234);
    assert.equal(found.total_tokens.max, 14_089);
    near(found.joint.pearson, -0.1124, 1e-3);
    near(found.joint.spearman, 0.0728, 1e-3);
    assert.deepEqual([found.joint.repeated_pairs, found.joint.is_exact], [5339, true]);
    assert.deepEqual(
      [found.sessions, found.turns_per_session, found.session_details, found.prefix],
      [0, null, null, null],
    );
  });

  const mooncake = shared('traces/mooncake_conversation_trace.jsonl');
  it('finds the reference figures of the public Mooncake trace', { skip: mooncake.skip }, async () => {
    const found = await inspectTrace(mooncake.path);
    assert.deepEqual([found.format, found.rows, found.bad_rows], ['mooncake', 12_031, 0]);
    assert.equal(found.sha256, 'b8cbb061a85206d729d91cdc2981f43c9e0d99209dce588d3af5f7934408b9df');
    near(found.duration_s, 3536.999, 1e-9);
    near(found.rate_rps, 3.401188, 1e-6);
    near(found.iat_cv, 3.033737, 1e-6);
    assert.deepEqual([found.max_same_time, found.distinct_times, found.out_of_order], [28, 1180, 0]);
    gaps(found.iat, [0, 0, 3.001, 3.003], 10_851, [-0.1087, -0.1068, -0.0673, 0.0315, 0.0045]);
    near(found.iat?.ks_exponential, 0.902);
    windows(found, {
      1: [7.8976, 8.2324, 28, 2357],
      10: [2.0988, 1.9699, 67, 0],
      60: [2.895, 1.2104, 247, 0],
      300: [7.2529, 1.082, 1104, 0],
    });
    counts(found, { 1: [-0.4303, -0.1335, -0.1507], 10: [0.0411, 0.0658, 0.032] });
    const input = [891, 894, 901, 964, 2306.5, 6909, 15_367, 27_367, 39_550.5, 85_400.4, 121_300.91, 126_195];
    lengths(found.input_tokens, [12_035.0613, 15_800.3449, 1.3129, 144_793_823], input);
    const output = [1, 3, 10, 24, 156.5, 350, 472, 597, 698, 1118.5, 2000, 2000];
    lengths(found.output_tokens, [342.6189, 249.908, 0.7294, 4_122_048], output);
    near(found.joint.pearson, 0.0719, 1e-3);
    near(found.joint.spearman, 0.0717, 1e-3);
    const { prefix } = found;
    assert.ok(prefix !== null);
    assert.deepEqual([prefix.block_tokens, prefix.blocks, prefix.distinct_blocks], [512, 288_500, 182_790]);
    near(prefix.max_hit_ratio, 0.366412, 2e-6);
    near(prefix.max_hit_ratio_tokens, 0.373624, 2e-6);
    assert.deepEqual(
      [prefix.rows_with_hit, prefix.rows_fully_hit, prefix.roots, prefix.is_chained],
      [12_030, 118, 1, true],
    );
    assert.deepEqual(prefix.uses, { once: 138_646, twice: 25_455, ten_or_more: 1341, max: 12_031 });
    assert.equal(prefix.sampled, 1);
    const lru = { 1000: 0.044475, 10_000: 0.211165, 30_000: 0.325709, 50_000: 0.354558, 100_000: 0.363688 };
    for (const [blocks, ratio] of Object.entries(lru))
      near(prefix.lru.find((point) => point.blocks === Number(blocks))?.hit_ratio, ratio, 1e-5);
    near(prefix.lru.at(-1)?.hit_ratio, prefix.max_hit_ratio, 1e-12);
    const [clumped = '', capped = '', ...others] = found.warnings;
    assert.match(clumped, /^clumped: 12,031 requests.* 1,180 distinct times, 3\.00 s apart, up to 28 /);
    assert.match(capped, /^capped: 30 rows .* output length, 2,000 tokens/);
    assert.deepEqual(others, []);
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
