import { UserError } from '../core/errors.ts';
import { parseTarget } from '../target/target-spec.ts';
import type { Command } from './command.ts';

/** `--gpus` of the commands that measure per GPU. */
export const GPUS_OPTION: Command['options'][string] = {
  type: 'string',
  describe:
    'GPUs, for goodput per GPU: one number for each URL target, or one for each target in its order, e.g. 1,4 [default: as the reference engine has]',
};

/**
 * The GPUs of each target; null: as it tells. A single number is that of each URL, or of the only target: the reference
 * engine tells its own. Throws a UserError for numbers that would be of no target.
 */
export function gpusOf(given: string | undefined, targets: readonly string[]): (number | null)[] {
  if (given === undefined) return targets.map(() => null);
  const counts = given.split(',').map((each) => {
    if (/^\s*[1-9]\d*\s*$/.test(each)) return Number(each);
    throw new UserError(`--gpus: got "${given}", expected a whole number from 1, or one for each target, e.g. 1,4`);
  });
  if (counts.length === targets.length) return counts;
  const [all] = counts;
  if (all === undefined || counts.length > 1)
    throw new UserError(
      `--gpus: "${given}" has ${counts.length} numbers for ${targets.length} targets; give one for each, or one for all URLs`,
    );
  const isServer = targets.map((each) => parseTarget(each).kind === 'server');
  if (!isServer.includes(true))
    throw new UserError(
      `--gpus: one number is that of each URL target, and all ${targets.length} are reference engines, which tell their own; give one for each`,
    );
  return isServer.map((is) => (is ? all : null));
}
