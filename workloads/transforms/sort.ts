import type { Request } from '../../src/core/request.ts';
import type { Transform } from './transform.ts';

const BATCH = 1024;

/**
 * All requests in order of time, equal times as they stood; holds the whole trace. Times before the start (readers of
 * CSV count from the first row) move it: the earliest is due at 0 then.
 */
export const sort: Transform = (source) =>
  async function* () {
    const all: Request[] = [];
    for await (const batch of source.open()) all.push(...batch);
    all.sort((a, b) => a.dueUs - b.dueUs);
    const startUs = Math.min(0, all[0]?.dueUs ?? 0);
    for (let start = 0; start < all.length; start += BATCH)
      yield all.slice(start, start + BATCH).map((request) => ({ ...request, dueUs: request.dueUs - startUs }));
  };
