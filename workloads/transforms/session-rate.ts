import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * Starts of session trees that have none: Poisson, `rps` a second on average. `merged`: 1: the requests of all trees in
 * order of time; 0: tree by tree. To come after `by-session`.
 */
export const sessionRate: Transform = (source, args) => {
  const rps = numberArg('session-rate', args, 'rps');
  const seed = numberArg('session-rate', args, 'seed');
  if (!(rps > 0)) throw new UserError(`--session-rate: got ${rps}, expected sessions a second, above 0`);
  const started = withStarts(source, rps, seed);
  const isMerged = numberArg('session-rate', args, 'merged') === 1;
  return { open: () => inBatches(isMerged ? merged(started()) : flat(started())) };
};

/** A tree that has a start. */
interface Started {
  readonly startUs: number;
  readonly requests: readonly Request[];
}

function withStarts(source: Source, rps: number, seed: number): () => AsyncGenerator<Started> {
  return async function* () {
    const random = randomStream(seed, 'session starts');
    let startUs = 0;
    let requests: Request[] = [];
    const started = (): Started => {
      const tree = { startUs, requests: requests.map((request) => ({ ...request, dueUs: request.dueUs + startUs })) };
      startUs += Math.round((-ln(1 - uniform(random)) / rps) * 1e6);
      requests = [];
      return tree;
    };
    for await (const batch of source.open())
      for (const request of batch) {
        if (requests.length > 0 && requests[0]?.tree !== request.tree) yield started();
        requests.push(request);
      }
    if (requests.length > 0) yield started();
  };
}

async function* flat(trees: AsyncIterable<Started>): AsyncGenerator<Request> {
  for await (const { requests } of trees) yield* requests;
}

/** No tree that comes later has a request before its start. */
async function* merged(trees: AsyncIterable<Started>): AsyncGenerator<Request> {
  const open: Request[] = [];
  for await (const { startUs, requests } of trees) {
    open.push(...requests);
    open.sort((a, b) => a.dueUs - b.dueUs);
    const until = open.findIndex(({ dueUs }) => dueUs > startUs);
    const due = open.splice(0, until === -1 ? open.length : until);
    yield* due;
  }
  open.sort((a, b) => a.dueUs - b.dueUs);
  yield* open;
}
