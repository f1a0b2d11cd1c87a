import type { Request } from '../../src/core/request.ts';

/** Requests a batch: the cost of a step from one stage to the next is shared by so many. */
const BATCH_REQUESTS = 1024;

/** The same requests in the batches in which a source yields them. */
export async function* inBatches(
  requests: AsyncIterable<Request | readonly Request[]> | Iterable<Request>,
): AsyncGenerator<readonly Request[]> {
  let batch: Request[] = [];
  for await (const some of requests)
    for (const request of isOne(some) ? [some] : some) {
      batch.push(request);
      if (batch.length < BATCH_REQUESTS) continue;
      yield batch;
      batch = [];
    }
  if (batch.length > 0) yield batch;
}

function isOne(some: Request | readonly Request[]): some is Request {
  return !Array.isArray(some);
}
