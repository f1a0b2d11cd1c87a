// How often the 95 % interval of the attainment holds the truth, beside the block bootstrap that it replaced and
// Wilson's interval of as many independent requests, on the eleven cases of ../shared/statistics (`statistics.md`); and
// how often a run gets a tick where the truth is 1 point below its goal.
// Usage: node scripts/calibration/attainment.ts [--cases v0,strict] [--seeds 400] [--n 1000,5000]
//        [--search 40000] [--no-ticks]
// --search: requests by which the rate of a case is found. A case takes a minute for every 60 seeds on a quiet core.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AZURE, CASES, rateOf, type Case } from './cases.ts';
import { coverageOf, missingBy, outcomes, type Coverage, type Share } from './coverage.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    cases: { type: 'string', default: '' },
    seeds: { type: 'string', default: '400' },
    n: { type: 'string', default: '1000,5000' },
    search: { type: 'string', default: '40000' },
    ticks: { type: 'boolean', default: true },
  },
});
const wanted = values.cases.split(',');
const seeds = Number(values.seeds);
const sizes = values.n.split(',').map(Number);
const MISS = 0.01;

const cell = ({ share, of }: Share): string => (of === 0 ? '-' : `${Math.round(share * 100)} (${of})`);

console.log(
  `| case | rate | n | truth +- sd % | given % | covers % | bootstrap | Wilson of n | all met | width | ticks | crosses | overloaded |\n|${' --- |'.repeat(13)}`,
);
for (const each of CASES) {
  if (!wanted.some((part) => each.name.includes(part))) continue;
  if (each.name.includes('azure') && !existsSync(AZURE)) console.log(`| ${each.name} | needs ${AZURE} |`);
  else await measure(each);
}

async function measure(each: Case): Promise<void> {
  const traffic = await each.traffic();
  const rateRps = await rateOf(each, traffic, Number(values.search));
  let start = null;
  for (const requests of sizes) {
    const replications = { rateRps, seeds, requests };
    const coverage = coverageOf(await outcomes(each, traffic, replications), each.goal);
    print(each.name, rateRps, requests, coverage);
    start = { ...replications, truth: coverage.truth };
  }
  if (!values.ticks || start === null) return;
  const found = await missingBy(MISS, each, traffic, start);
  print(`${each.name} - ${MISS}`, null, start.requests, coverageOf(found, each.goal));
}

function print(name: string, rateRps: number | null, requests: number, of: Coverage): void {
  const cells = [
    name,
    rateRps === null ? '' : rateRps.toFixed(3),
    requests,
    `${(of.truth * 100).toFixed(2)} +- ${(of.sd * 100).toFixed(2)}`,
    cell(of.given),
    cell(of.ours),
    cell(of.bootstrap),
    cell(of.wilson),
    cell(of.unanimous),
    Number.isNaN(of.width) ? '-' : of.width.toFixed(2),
    cell(of.ticks),
    cell(of.crosses),
    cell(of.overloaded),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
