import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import type { Transform } from './transform.ts';

/**
 * All requests in order of time, equal times in the order of the file; holds the whole trace. Times before the start
 * (readers of CSV count from the first row) move the start: the earliest request is due at 0 then.
 */
export const sort: Transform = (source) => ({
  async *open() {
    const all: Request[] = [];
    for await (const batch of source.open()) all.push(...batch);
    all.sort((a, b) => a.dueUs - b.dueUs);
    const startUs = Math.min(0, all[0]?.dueUs ?? 0);
    yield* inBatches(startUs === 0 ? all : all.map((request) => ({ ...request, dueUs: request.dueUs - startUs })));
  },
});
