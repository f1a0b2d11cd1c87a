import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
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

it("the rate with the trace's own timing is that of a run with --rate, and a bursty trace carries less than Poisson", async () => {
  const trace = join(folder, 'bursty.csv');
  writeFileSync(trace, bursty());
  const cluster = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '2', '--slo', SLO, '--requests', '200'];
  const placed = await cli('place', trace, ...cluster, '--out', join(folder, 'place'), '--quiet');
  assert.equal(placed.code, 0, placed.stderr);
  const { contenders, systems } = readPlacement(join(folder, 'place'));
  const best = contenders.find(({ kind }) => kind === 'collocated');
  assert.ok(best?.trace && best.poisson && best.trace.missed_rps !== null && best.trace.attainment !== null);
  assert.equal(best.trace_repeats, 1);
  assert.ok(best.trace.goodput_rps < 0.8 * best.poisson.goodput_rps, JSON.stringify(best));

  const [group] = best.groups;
  const target = `reference:${systems.collocated},instances=${group?.instances},tp=${group?.tp},pp=${group?.pp}`;
  const attainmentAt = async (rateRps: number): Promise<number> => {
    const out = join(folder, `run-${rateRps}`);
    const options = ['--clock', 'virtual', '--target', target, '--rate', String(rateRps), '--slo', SLO];
    const { code, stderr } = await cli('run', trace, ...options, '--out', out, '--quiet');
    assert.equal(code, 0, stderr);
    const { slo } = readSummary(out);
    assert.ok(slo !== null);
    return slo.attainment.joint;
  };
  const met = await attainmentAt(best.trace.goodput_rps);
  assert.ok(Math.abs(met - best.trace.attainment) < 0.005, `${met}, and ${best.trace.attainment} by the search`);
  assert.ok((await attainmentAt(best.trace.missed_rps)) < 0.9);
});
