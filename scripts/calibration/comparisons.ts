// How often comparisons of two systems cry wolf, and how often they find a slow-down of 5 %: the comparison case of
// ../shared/statistics (vllm-v1 of version=0.10, a Poisson chat trace of 1,000 requests at half of its goodput, noise=0.03,run_noise=0.01),
// A B B A, draws from a pool of runs.
// Usage: node scripts/calibration/comparisons.ts [--pool 200] [--draws 400]
import { parseArgs } from 'node:util';
import { JUDGED_NAMES } from '../../src/schema/comparison.ts';
import { comparisonRates, runPool } from './comparison-rates.ts';

const { values } = parseArgs({
  options: { pool: { type: 'string', default: '200' }, draws: { type: 'string', default: '2000' } },
});
const draws = Number(values.draws);
const pool = await runPool(Number(values.pool));
const percent = (share: number): string => `${(share * 100).toFixed(1)}`;

console.log(
  `| truth | runs | drift % | claim | ${JUDGED_NAMES.join(' | ')} | any | drift named |\n|${' --- |'.repeat(JUDGED_NAMES.length + 6)}`,
);
for (const { truth, drift } of [
  { truth: 'the same', drift: 0 },
  { truth: 'the same', drift: 0.01 },
  { truth: '5 % slower', drift: 0 },
] as const)
  for (const repeats of [4, 6, 8])
    for (const margin of [0, 0.02])
      for (const holm of [false, true]) {
        const rates = comparisonRates(pool, { slower: truth === '5 % slower', repeats, margin, holm, drift, draws });
        const cells = JUDGED_NAMES.map((name) => percent(rates.byMetric[name] ?? 0));
        const claim = `beyond ${margin * 100} %${holm ? ', Holm' : ''}`;
        console.log(
          `| ${truth} | ${repeats} + ${repeats} | ${drift * 100} | ${claim} | ${cells.join(' | ')} | ${percent(rates.any)} | ${percent(rates.drifts)} |`,
        );
      }
