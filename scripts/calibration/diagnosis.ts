// How often each rule of the diagnosis holds, on loads of which it is known whether it should: seeds of each case in virtual
// time. Usage: node scripts/calibration/diagnosis.ts [--seeds 40] [--cases burst,steady]
import { parseArgs } from 'node:util';
import { DIAGNOSIS_CODES } from '../../src/schema/summary.ts';
import { DIAGNOSIS_CASES, diagnosed } from './diagnosis-cases.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '40' }, cases: { type: 'string', default: '' } },
});
const wanted = values.cases.split(',');
const seeds = Number(values.seeds);

console.log(`| case | should say | ${DIAGNOSIS_CODES.join(' | ')} |\n|${' --- |'.repeat(DIAGNOSIS_CODES.length + 2)}`);
for (const each of DIAGNOSIS_CASES) {
  if (!wanted.some((part) => each.name.includes(part))) continue;
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= seeds; seed++)
    for (const { code } of (await diagnosed(each, seed)).diagnosis) counts.set(code, (counts.get(code) ?? 0) + 1);
  const cells = DIAGNOSIS_CODES.map((code) => {
    const share = (counts.get(code) ?? 0) / seeds;
    return share === 0 ? '' : `${Math.round(share * 100)} %`;
  });
  console.log(`| ${each.name} | ${each.says.join(', ')} | ${cells.join(' | ')} |`);
}
