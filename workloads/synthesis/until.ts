import type { Request } from '../../src/core/request.ts';

/** How much is made: what is due in this time, and no more requests than this; null: that does not end it. */
export interface Extent {
  readonly durationS: number | null;
  readonly requests: number | null;
}

/** The first of requests in order of time. */
export function* until(all: Iterable<Request>, { durationS, requests }: Extent): Generator<Request> {
  const lastUs = durationS === null ? Number.POSITIVE_INFINITY : durationS * 1e6;
  let left = requests ?? Number.POSITIVE_INFINITY;
  for (const request of all) {
    if (left-- <= 0 || request.dueUs > lastUs) return;
    yield request;
  }
}
