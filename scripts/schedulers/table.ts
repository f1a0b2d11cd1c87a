// The table of src/engine/README.md: our schedulers beside the real ones, iteration by iteration:
// node scripts/schedulers/table.ts
import { join } from 'node:path';
import { readOracle } from './oracle-log.ts';
import { ORACLES } from './oracles.ts';
import { compare, replayCase } from './replay-case.ts';
import { hasSameBatches, meanLateMs, readDistserve, replayDistserve, swapsOf } from './replay-distserve.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'shared', 'oracles', 'schedulers');

console.log('| system | real version | cases | iterations equal |\n| --- | --- | --- | --- |');
for (const { file, system, real, spec } of ORACLES) {
  const cases = readOracle(join(FOLDER, file));
  let equal = 0;
  let all = 0;
  for (const oracle of cases) {
    all += oracle.iterations;
    equal += compare(oracle, await replayCase(spec(oracle.settings), oracle)).equalIterations;
  }
  console.log(`| \`${system}\` | ${real} | ${cases.length} | ${equal} of ${all} |`);
}

const distserve = readDistserve(join(FOLDER, 'distserve-82831f1.jsonl'));
for (const [isTight, options, real] of [
  [false, 'double_count=off', 'no swaps'],
  [true, 'double_count=on', 'with swaps'],
] as const) {
  const cases = distserve.filter((oracle) => swapsOf(oracle) > 0 === isTight);
  const results: string[] = [];
  let batches = 0;
  for (const oracle of cases) {
    const ours = await replayDistserve(oracle, join(FOLDER, 'distserve-times.csv'), options);
    const late = (['first', 'last'] as const).map((which) => meanLateMs(ours, oracle, which).toFixed(1));
    batches += ours.prefill.length + ours.decode.length;
    if (isTight)
      results.push(`${ours.swaps} swaps of ${swapsOf(oracle)}, first tokens ${late[0]} ms late, last ${late[1]} ms`);
    else if (!hasSameBatches(ours, oracle)) results.push(`not ${oracle.case}`);
  }
  const text = results.length === 0 ? `${batches} of ${batches} batches` : results.join('; ');
  console.log(`| \`distserve,link=instant,${options}\` | DistServe 82831f1, ${real} | ${cases.length} | ${text} |`);
}
