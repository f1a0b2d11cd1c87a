import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { simulate } from '../../src/search/simulation.ts';
import { Tally } from '../../src/search/tally.ts';
import { parseSlo } from '../../src/core/slo.ts';
import { requestsAt, drawLoad } from '../../src/search/goodput/load.ts';
import { cli, readJson, temporaryFolder } from '../cli.ts';

const LENGTHS = { inputTokens: [100, 700, 1500, 9000], outputTokens: [1, 40, 300, 900] };
const REQUESTS = 400;
const requests = requestsAt(drawLoad(LENGTHS, REQUESTS, 7), REQUESTS, 12, null);

const summaryFile = z.looseObject({
  slo: z.looseObject({
    binding: z.string().nullable(),
    attainment: z.looseObject({ joint: z.number(), ttft: z.number(), tpot: z.number(), e2e: z.number() }),
  }),
});

it('counts as a run of the same requests counts, for every limit and for requests that are refused', async () => {
  const folder = temporaryFolder();
  const trace = join(folder, 'trace.csv');
  const rows = requests.map(({ dueUs, inputTokens, outputTokens }) => `${dueUs / 1e6},${inputTokens},${outputTokens}`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const slo = 'ttft=150ms,tpot=14ms,e2e=6s';
  for (const system of ['vllm-v1,max_model_len=9000', 'distserve,prefill=2']) {
    const out = join(folder, system.slice(0, 4));
    const target = `reference:${system}`;
    const run = await cli(
      'run',
      trace,
      '--clock',
      'virtual',
      '--target',
      target,
      '--slo',
      slo,
      '--out',
      out,
      '--quiet',
    );
    assert.equal(run.code, 0, run.stderr);
    const { attainment } = summaryFile.parse(readJson(out, 'summary.json')).slo;
    const tally = new Tally(parseSlo(slo), REQUESTS);
    await simulate(parseEngineSpec(system), requests, tally);
    const share = (missed: number): number => (REQUESTS - missed) / REQUESTS;
    assert.equal(share(tally.missed), attainment.joint, system);
    assert.ok(attainment.joint > 0.05 && attainment.joint < 0.95, `${attainment.joint} tells nothing`);
    for (const metric of ['ttft', 'tpot', 'e2e'] as const)
      assert.equal(share(tally.missedBy[metric]), attainment[metric], `${system} ${metric}`);
  }
});

it('ends when it is decided', async () => {
  const tally = new Tally(parseSlo('ttft=1ms'), 3);
  await simulate(parseEngineSpec('vllm-v1'), requests, tally, { isDecided: () => tally.isMissed });
  assert.ok(tally.isMissed);
  assert.equal(tally.missedBy.ttft, tally.missed);
  // Prompts of one batch miss together.
  assert.ok(tally.missed > 3 && tally.missed < 20, `${tally.missed}`);
});

it('sees prefix blocks: what begins alike is found in the cache', async () => {
  const alike = [0, 1e6, 2e6].map((dueUs, i) => ({
    id: `r${i}`,
    traceRow: i + 1,
    dueUs,
    inputTokens: 1024,
    outputTokens: 2,
    blocks: [7, 8],
  }));
  const misses = async (blockTokens: number | null): Promise<number> => {
    const tally = new Tally(parseSlo('ttft=20ms'), alike.length);
    await simulate(parseEngineSpec('vllm-v1'), alike, tally, { blockTokens });
    return tally.missed;
  };
  assert.deepEqual([await misses(null), await misses(512)], [3, 1]);
});
