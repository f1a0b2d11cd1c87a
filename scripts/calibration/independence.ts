// What independence costs: how often MLPerf's early stopping passes, and Wilson's 95 % interval (GuideLLM's) and ours hold
// the truth, of systems that are exactly at their limit (`statistics.md`, last table), without queues and with them.
// Usage: node scripts/calibration/independence.ts [--queues M/M/1,independent] [--seeds 500] [--n 1000,4000,8000]
import { parseArgs } from 'node:util';
import { keptBy, passedByLoop } from './independence-rules.ts';
import { QUEUES } from './queues.ts';

const { values } = parseArgs({
  options: {
    queues: { type: 'string', default: '' },
    seeds: { type: 'string', default: '500' },
    n: { type: 'string', default: '1000,4000,8000' },
  },
});
const wanted = values.queues.split(',');
const seeds = Number(values.seeds);
const sizes = values.n.split(',').map(Number);
const percent = (share: number): string => (Number.isNaN(share) ? '-' : (share * 100).toFixed(share < 0.1 ? 1 : 0));
const each = (shares: readonly number[]): string => shares.map(percent).join(', ');

console.log(
  `In %, of ${seeds} runs of n ${sizes.join(', ')} requests each.\n\n| latency | MLPerf passes | its loop, from 1,000 to 8,000 | Wilson covers | ours covers | ours above | ours given |\n|${' --- |'.repeat(7)}`,
);
for (const queue of QUEUES) {
  if (!wanted.some((part) => queue.name.includes(part))) continue;
  const kept = sizes.map((requests) => keptBy(queue, requests, seeds));
  const cells = [
    queue.name,
    each(kept.map(({ mlperf }) => mlperf)),
    percent(passedByLoop(queue, 1000, seeds)),
    each(kept.map(({ wilson }) => wilson)),
    each(kept.map(({ ours }) => ours)),
    each(kept.map(({ oursAbove }) => oursAbove)),
    each(kept.map(({ given }) => given)),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
