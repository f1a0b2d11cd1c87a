import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comparedTo } from '../../src/results/views/compared.ts';
import { comparedCsv, comparedMarkdown, comparedText } from '../../src/results/views/compared-text.ts';
import { PEERS, type PeerName } from '../../src/results/peers/peers.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { everyThirdFails, runOfRecords, someRun } from './some-runs.ts';

const NAMES = Object.keys(PEERS).filter((name): name is PeerName => Object.hasOwn(PEERS, name));

describe('a run by the definitions of other tools', () => {
  it('has a column a tool beside ours, whose figures are those of the summary', async () => {
    const run = await someRun({ requests: 60, slo: 'ttft=150ms,tpot=12ms', fate: everyThirdFails });
    const { columns } = await comparedTo(run, NAMES);
    assert.deepEqual(
      columns.map(({ name }) => name),
      ['Reprise', 'vLLM', 'AIPerf', 'GuideLLM', 'inference-perf', 'SGLang', 'SGLang /generate'],
    );
    const [ours, ...others] = columns;
    const { latency_ms, slo, throughput } = run.summary;
    assert.equal(ours?.latency_ms.ttft.p50, latency_ms.ttft.p50);
    // A third failed: ours has no p90, all others have one of the survivors.
    assert.equal(ours.latency_ms.ttft.p90, null);
    for (const { key, latency_ms: each, answered } of others) {
      assert.ok(each.ttft.p90 !== null && each.ttft.n === 40 && answered === 40, key);
    }
    assert.deepEqual(
      [ours.good_share, ours.good_requests_per_s],
      [slo?.attainment.joint, throughput.good_requests_per_s],
    );
    assert.match(comparedText(await comparedTo(run, ['vllm'])), /\nTTFT p90 +fails +[\d.]+ ms\n/);
  });

  it('has the verdicts of MLPerf and GuideLLM beside ours, and what independence costs', async () => {
    const run = await someRun({ requests: 700, slo: 'ttft=2s,tpot=50ms' });
    const { verdicts } = await comparedTo(run, ['guidellm', 'mlperf']);
    assert.equal(verdicts.length, 11);
    const whole = verdicts[0];
    assert.deepEqual(
      [whole?.of, whole?.within, whole?.ours.verdict, whole?.guidellm?.verdict],
      ['slo', 700, 'met', 'met'],
    );
    assert.deepEqual(whole?.ours.ci95, run.summary.slo?.attainment.ci95);
    // 700 queries, none over: enough for p99, whose floor is 662, not for p99.9.
    assert.deepEqual(
      verdicts.filter(({ of }) => of === 'ttft').map(({ wanted, mlperf }) => [wanted, mlperf?.passes]),
      [
        [0.9, true],
        [0.95, true],
        [0.97, true],
        [0.99, true],
        [0.999, false],
      ],
    );
    assert.equal(verdicts.at(-1)?.mlperf?.queries_needed, 6636);
    assert.match(comparedText(await comparedTo(run, ['mlperf'])), /independent/);
    assert.deepEqual((await comparedTo(run, ['vllm'])).verdicts, []);
    assert.deepEqual((await comparedTo(await someRun({ requests: 20, slo: null }), NAMES)).verdicts, []);
  });

  it('says of every tool which limits its good requests leave out', async () => {
    const notesWith = async (slo: string): Promise<Map<string, string>> => {
      const { columns } = await comparedTo(await someRun({ requests: 20, slo }), NAMES);
      return new Map(columns.filter(({ key }) => key !== 'reprise').map(({ key, notes }) => [key, notes.join('; ')]));
    };
    for (const [key, notes] of await notesWith('chat:ttft=2s,itl.p99=50ms;ttft=2s,itl.max=1s'))
      assert.match(notes, /good: without the limits on itl\.p99 and itl\.max, which it does not judge/, key);
    for (const [key, notes] of await notesWith('ttft=2s,itl.p99=50ms'))
      assert.match(notes, /good: without the limit on itl\.p99, which it does not judge/, key);
    for (const [key, notes] of await notesWith('ttft=2s,tpot=50ms,e2e=9s')) assert.doesNotMatch(notes, /judge/, key);
  });

  it('has no good requests of a tool that judges none of the limits', async () => {
    const { columns } = await comparedTo(await someRun({ requests: 20, slo: 'itl.p99=1ms' }), ['vllm']);
    assert.deepEqual([columns[0]?.good_share, columns[1]?.good_requests_per_s], [0, null]);
    assert.match(columns[1]?.notes.join('; ') ?? '', /no good requests: it judges no itl\.p99/);
  });

  it('counts a failed request as over the limit, and leaves an answer of one token out of TPOT', async () => {
    const single = exampleRecord({ request_id: 's', token_times_us: Float64Array.of(100_000), output_tokens: 1 });
    const failed = exampleRecord({ request_id: 'f', outcome: 'rejected', token_times_us: new Float64Array(0) });
    const run = await runOfRecords([exampleRecord(), single, failed], 'ttft=200ms,tpot=50ms');
    const { verdicts } = await comparedTo(run, ['mlperf']);
    const counts = (of: string): readonly (number | undefined)[] => {
      const found = verdicts.find((verdict) => verdict.of === of);
      return [found?.within, found?.requests];
    };
    assert.deepEqual(
      [counts('ttft'), counts('tpot')],
      [
        [2, 3],
        [1, 2],
      ],
    );
  });

  it('is a table in markdown and a row a figure in CSV, whatever the name of the run', async () => {
    const run = await someRun({ requests: 10, slo: null, manifest: { run_id: 'a|b, "c"\n' } });
    const compared = await comparedTo(run, ['vllm', 'sglang']);
    const rows = comparedMarkdown(compared)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    assert.deepEqual(new Set(rows.map((row) => row.split('|').length)), new Set([7]));
    assert.match(comparedMarkdown(compared), /^\*\*a\\\|b, "c" \*\*/);
    assert.match(comparedCsv([compared]), /\n"a\|b, ""c""\n",latency_ms\.ttft\.mean,[\d.]+,/);
    assert.match(comparedCsv([compared]), /,good_share,,,,$/);
  });
});
