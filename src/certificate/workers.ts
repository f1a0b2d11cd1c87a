import { LOAD_AXES, type Certificate } from '../schema/certificate.ts';
import { curveOf, type Load } from './load.ts';

/** A worker is given no more than this share of what one carries: shards are uneven, and loads have bursts. */
const USABLE_SHARE = 0.8;

/**
 * How many worker threads a load needs, 1 to `cores`. One is enough where nothing is known: more cost CPU, and what they
 * buy is capacity alone. `load`: of the whole run, in its busiest second.
 */
export function workersFor(load: Load, certificate: Certificate | null, cores: number): number {
  if (certificate === null) return 1;
  const needed = LOAD_AXES.map((axis) => {
    const carried = curveOf(certificate, axis, 'off')?.limit.value ?? 0;
    const asked = load[axis] ?? 0;
    return carried === 0 ? 1 : asked / (USABLE_SHARE * carried);
  });
  return Math.min(Math.max(1, cores), Math.max(1, ...needed.map(Math.ceil)));
}
