import type { Request } from '../../src/core/request.ts';
import type { Transform } from './transform.ts';

/** All requests in order of time, equal times as they stood, counted from the earliest; holds the whole trace. */
export const sort: Transform = (source) =>
  async function* () {
    const all: Request[] = [];
    for await (const batch of source.open()) all.push(...batch);
    all.sort((a, b) => a.dueUs - b.dueUs);
    const firstUs = all[0]?.dueUs ?? 0;
    yield all.map((request) => ({ ...request, dueUs: request.dueUs - firstUs }));
  };
