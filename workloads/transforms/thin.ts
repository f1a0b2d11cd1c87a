import { UserError } from '../../src/core/errors.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import { keptRequests } from './left-out.ts';
import { numberArg, type Args, type Transform } from './transform.ts';

/**
 * Each request with probability `share`, whatever becomes of the others: arrivals become more like Poisson's, and what
 * requests share of their prefixes is lost with those left out.
 */
export const thin: Transform = (source, args, { say }) => {
  const share = shareArg('thin', args);
  const seed = numberArg('thin', args, 'seed');
  return {
    open: () => keptRequests(source, ({ id }) => isDrawn(seed, 'thin', id, share), `--thin ${share}`, say),
  };
};

/** Whether what has this key is in a sample of so large a share. The draw is its own: it depends on nothing else. */
export function isDrawn(seed: number, purpose: string, key: string, share: number): boolean {
  return uniform(randomStream(seed, purpose, key)) < share;
}

/** The share of a sample: above 0, at most 1. */
export function shareArg(op: string, args: Args): number {
  const share = numberArg(op, args, 'share');
  if (share > 0 && share <= 1) return share;
  throw new UserError(`--${op}: got ${share}, expected a share above 0 and up to 1, e.g. 0.5`);
}
