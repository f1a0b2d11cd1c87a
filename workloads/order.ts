import { UserError } from '../src/core/errors.ts';
import type { Source } from '../src/core/plan.ts';

/** A row is due before the one above it: replay needs order, `sort` makes it. */
export class DisorderError extends UserError {}

/** The same source, which throws a DisorderError at the first row that is out of order. */
export function requireOrder(source: Source): Source {
  return {
    ...source,
    open: async function* () {
      let lastUs = Number.NEGATIVE_INFINITY;
      for await (const batch of source.open()) {
        for (const { dueUs, traceRow } of batch) {
          if (dueUs < lastUs)
            throw new DisorderError(`${source.path}:${traceRow}: not_sorted: this row is due before the one above it`);
          lastUs = dueUs;
        }
        yield batch;
      }
    },
  };
}
