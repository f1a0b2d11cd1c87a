// How precisely two systems are told apart by the goodput of the same rows, and of rows of their own: the standard
// deviation of the logarithm of the ratio over seeds, in virtual time.
// Usage: node scripts/calibration/goodput-pairs.ts [--seeds 16] [--requests 4000]
import { parseArgs } from 'node:util';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { needed } from '../../src/search/goodput/probe-tally.ts';
import { findGoodput } from '../../src/search/goodput/search.ts';
import { simulate } from '../../src/search/simulation.ts';
import { Tally } from '../../src/search/tally.ts';
import { resolveWorkload } from '../../workloads/samples/index.ts';
import { AZURE } from './cases.ts';
import { pieces, poisson, readRows, requestsAt, type UnitTraffic } from './traffic.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '16' }, requests: { type: 'string', default: '4000' } },
});
const [seeds, requests] = [Number(values.seeds), Number(values.requests)];
const SLO = { ttft: 250, tpot: 20 };
const GOAL = 0.9;
const BASE = 'vllm-v1,version=0.10,async=off,model=llama-3.1-8b,gpu=h100-sxm';
const OTHERS = { 'token_budget=1024': `${BASE},token_budget=1024`, sglang: 'sglang,model=llama-3.1-8b,gpu=h100-sxm' };
const KINDS = {
  poisson: poisson(await readRows(resolveWorkload('chat'))),
  'azure blocks': pieces(await readRows(AZURE)),
};

async function lnGoodput(system: string, load: UnitTraffic): Promise<number> {
  const engine = parseEngineSpec(system);
  const allowed = requests - needed(GOAL, requests);
  const { met } = await findGoodput(
    async (rateRps) => {
      const tally = new Tally(SLO, allowed);
      await simulate(engine, requestsAt(load, rateRps), tally, { isDecided: () => tally.isMissed });
      return { rateRps, met: !tally.isMissed };
    },
    { startRps: 8, lowestRps: 8 / 64, highestRps: 8 * 64, precision: 0.002 },
  );
  return Math.log(met?.rateRps ?? Number.NaN);
}

function deviation(all: readonly number[]): number {
  const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
  return Math.sqrt(all.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (all.length - 1));
}

const percent = (share: number): string => (share * 100).toFixed(2);
console.log(
  '| vllm-v1 against | traffic | ratio | sd on the same rows % | sd on rows of their own % |\n| --- | --- | --- | --- | --- |',
);
for (const [kind, traffic] of Object.entries(KINDS)) {
  const loads = Array.from({ length: seeds }, (_, i) => traffic(101 + i, requests));
  const base: number[] = [];
  for (const load of loads) base.push(await lnGoodput(BASE, load));
  for (const [name, system] of Object.entries(OTHERS)) {
    const other: number[] = [];
    for (const load of loads) other.push(await lnGoodput(system, load));
    const same = other.map((one, i) => one - (base[i] ?? 0));
    const own = other.map((one, i) => one - (base[(i + 1) % seeds] ?? 0));
    const ratio = Math.exp(same.reduce((sum, one) => sum + one, 0) / seeds);
    console.log(
      `| ${name} | ${kind} | ${ratio.toFixed(3)} | ${percent(deviation(same))} | ${percent(deviation(own))} |`,
    );
  }
}
