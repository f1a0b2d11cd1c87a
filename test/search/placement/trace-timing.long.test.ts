import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { placementSchema, type PlacementReport } from '../../../src/schema/placement.ts';
import { cli, temporaryFolder } from '../../cli.ts';
import { readPlacement, readSummary } from '../../written-files.ts';

const folder = temporaryFolder();
const SLO = 'ttft=250ms,tpot=100ms';
const BURST = 20;

/** Bursts of 20 requests within a second, every 10 s: 600 requests of few lengths. */
function bursty(): string {
  const rows = Array.from({ length: 600 }, (_, i) => {
    const s = 10 * Math.floor(i / BURST) + (i % BURST) / BURST;
    return `${s.toFixed(3)},${200 + 37 * (i % 11)},${20 + 13 * (i % 7)}`;
  });
  return `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`;
}

/** The same bursts of prompts that begin alike, the same five behind a common first block. */
function burstyBlocks(): string {
  return Array.from({ length: 600 }, (_, i) =>
    JSON.stringify({
      timestamp: 10_000 * Math.floor(i / BURST) + 50 * (i % BURST),
      input_length: 1100 + 37 * (i % 11),
      output_length: 20 + 13 * (i % 7),
      hash_ids: [0, 1 + (i % 5), 1000 + i],
    }),
  ).join('\n');
}

const cluster = (gpus: number): string[] => [
  '--model',
  'opt-13b',
  '--gpu',
  'a100-sxm-80g',
  '--gpus',
  String(gpus),
  '--slo',
  SLO,
  '--requests',
  '200',
];

async function attainmentOf(trace: string, target: string, rateRps: number): Promise<number> {
  const out = join(folder, `run-${rateRps}`);
  const options = ['--clock', 'virtual', '--target', target, '--rate', String(rateRps), '--slo', SLO];
  const { code, stderr } = await cli('run', trace, ...options, '--out', out, '--quiet');
  assert.equal(code, 0, stderr);
  const { slo } = readSummary(out);
  assert.ok(slo !== null);
  return slo.attainment.joint;
}

it("the rate with the trace's own timing is that of a run with --rate, and a bursty trace carries less than Poisson", async () => {
  const trace = join(folder, 'bursty.csv');
  writeFileSync(trace, bursty());
  const placed = await cli('place', trace, ...cluster(2), '--out', join(folder, 'place'), '--quiet');
  assert.equal(placed.code, 0, placed.stderr);
  const { contenders, systems } = readPlacement(join(folder, 'place'));
  const best = contenders.find(({ kind }) => kind === 'collocated');
  assert.ok(best?.trace && best.poisson && best.trace.missed_rps !== null && best.trace.attainment !== null);
  assert.equal(best.trace_repeats, 1);
  assert.ok(best.trace.goodput_rps < 0.8 * best.poisson.goodput_rps, JSON.stringify(best));

  const [group] = best.groups;
  const target = `reference:${systems.collocated},instances=${group?.instances},tp=${group?.tp},pp=${group?.pp}`;
  const met = await attainmentOf(trace, target, best.trace.goodput_rps);
  assert.ok(Math.abs(met - best.trace.attainment) < 0.005, `${met}, and ${best.trace.attainment} by the search`);
  assert.ok((await attainmentOf(trace, target, best.trace.missed_rps)) < 0.9);
});

it("by the trace's own timing alone, with its prefix blocks, the ranking is that of runs with --rate", async () => {
  const trace = join(folder, 'blocks.jsonl');
  writeFileSync(trace, burstyBlocks());
  const place = async (name: string, ...options: string[]): Promise<PlacementReport> => {
    const out = join(folder, name);
    const { code, stderr } = await cli('place', trace, ...cluster(1), ...options, '--out', out, '--quiet');
    assert.equal(code, 0, stderr);
    return readPlacement(out);
  };
  const [kept, without] = await Promise.all([
    place('kept', '--arrivals', 'trace'),
    place('without', '--arrivals', 'trace', '--collocated', 'vllm-v1,prefix_caching=off'),
  ]);
  assert.deepEqual([kept.arrivals, kept.best?.arrivals], [['trace'], 'trace']);
  assert.deepEqual([kept.prefix?.block_tokens, kept.prefix?.kept_by], [512, ['collocated']]);
  assert.deepEqual(without.prefix?.kept_by, []);
  assert.ok(kept.contenders.every(({ poisson, trace: timed }) => poisson === null && timed !== null));
  assert.ok(kept.attainment.length > 0 && kept.attainment.every(({ arrivals }) => arrivals === 'trace'));

  const [first] = kept.collocated;
  const [bare] = without.collocated;
  assert.ok(first?.whole?.attainment && bare?.whole);
  assert.ok(first.whole.goodput_rps > 1.2 * bare.whole.goodput_rps, 'two of three blocks are found');
  const [group] = first.groups;
  const target = `reference:${kept.systems.collocated},instances=${group?.instances},tp=${group?.tp},pp=${group?.pp}`;
  const met = await attainmentOf(trace, target, first.whole.goodput_rps);
  assert.ok(Math.abs(met - first.whole.attainment) < 0.005, `${met}, and ${first.whole.attainment} by the search`);
});

it('a trace without timing is refused where that alone is asked for, and is ranked by Poisson arrivals else', async () => {
  const trace = join(folder, 'at-once.csv');
  writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,100,5\n0,120,6\n');
  const asked = ['place', trace, ...cluster(1), '--json', '--quiet'];
  const refused = await cli(...asked, '--arrivals', 'trace');
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /--arrivals trace: all requests of at-once\.csv are due at one time.*--arrivals poisson/,
  );
  const { code, stdout, stderr } = await cli(...asked, '--arrivals', 'poisson');
  assert.equal(code, 0, stderr);
  const { arrivals, trace_timing, best } = placementSchema.parse(JSON.parse(stdout));
  assert.deepEqual([arrivals, trace_timing, best?.arrivals], [['poisson'], null, 'poisson']);
});
