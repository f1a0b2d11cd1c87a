import { isNoisy, parseTarget } from '../../target/target-spec.ts';
import { SIDES, type Place } from './order.ts';

/**
 * The target of one repeat: a noisy engine gets a seed that no other repeat has, from its own `seed` on (1 by default): 1, 3,
 * 5, ... for base and 2, 4, 6, ... for new. With one seed all repeats in virtual time would be the same run. Throws a
 * UserError for a text that names no target.
 */
export function targetOfRepeat(text: string, { side, repeat }: Place): string {
  const target = parseTarget(text);
  if (target.kind !== 'engine' || !isNoisy(target)) return text;
  const seed = Number(target.engine.options['seed']) + 2 * (repeat - 1) + SIDES.indexOf(side);
  const parts = target.system.split(',').filter((part) => !/^\s*seed\s*=/.test(part));
  return `reference:${[...parts, `seed=${seed}`].join(',')}`;
}
