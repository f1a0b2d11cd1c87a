import { UserError } from '../../src/core/errors.ts';
import { numberArg, type Transform } from './transform.ts';

/** The first `requests` requests. */
export const limit: Transform = (source, args) => {
  const most = numberArg('limit', args, 'requests');
  if (!Number.isSafeInteger(most) || most < 1)
    throw new UserError(`--limit: got ${most}, expected a whole number from 1`);
  return {
    async *open() {
      let left = most;
      for await (const batch of source.open()) {
        yield batch.slice(0, left);
        left -= batch.length;
        if (left <= 0) return;
      }
    },
  };
};
