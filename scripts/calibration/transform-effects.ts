/**
 * What transforms do to the two traces of `../shared/traces`: the deterministic ones, and the random ones as means over
 * seeds, beside what `../shared/design/traces.md` (section 4) measured by other code.
 *
 *     node scripts/calibration/transform-effects.ts [SEEDS]
 */
import { join } from 'node:path';
import { transformEffects } from './transform-cases.ts';

const SHARED = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces');
const seeds = Number(process.argv[2] ?? 20);
for (const { name, figure, wanted, found, within } of await transformEffects(SHARED, seeds)) {
  const off = found / wanted - 1;
  const isRight = Math.abs(off) <= within;
  console.log(
    `${name.padEnd(52)} ${figure.padEnd(6)} ${wanted.toFixed(3).padStart(8)} ${found.toFixed(3).padStart(8)} ${`${(off * 100).toFixed(1)} %`.padStart(8)} of ${within * 100} %${isRight ? '' : '  OFF'}`,
  );
}
