// The table of src/engine/README.md: our schedulers beside the real ones, iteration by iteration:
// node scripts/validate/schedulers.ts
import { join } from 'node:path';
import { readOracle } from '../../test/engine/schedulers/oracle-log.ts';
import { ORACLES } from '../../test/engine/schedulers/oracles.ts';
import { compare, replayCase } from '../../test/engine/schedulers/replay-case.ts';

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
