import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DIAGNOSIS_CASES, diagnosed } from '../../scripts/calibration/diagnosis-cases.ts';

const SEEDS = 4;

// `scripts/calibration/diagnosis.ts` counts more seeds.
it('a rule holds on every seed of a load that shows it, and on none of one that does not', async () => {
  const wrong: string[] = [];
  for (const each of DIAGNOSIS_CASES)
    for (let seed = 2; seed < 2 + SEEDS; seed++) {
      const found = (await diagnosed(each, seed)).diagnosis.map(({ code }) => code);
      const allowed = [...each.says, ...(each.maySay ?? [])];
      const isRight = each.says.every((code) => found.includes(code)) && found.every((code) => allowed.includes(code));
      if (!isRight) wrong.push(`${each.name}, seed ${seed}: ${found.join(', ') || 'nothing'}`);
    }
  assert.deepEqual(wrong, []);
});
