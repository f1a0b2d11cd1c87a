import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import { meanRate } from '../../src/core/rate.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { beginningsOf, freshBlocks } from './fresh-blocks.ts';
import { numberArg, type Transform } from './transform.ts';

/** Time of the trace that stays together. Of a trace shorter than ten of them, a tenth. */
const PIECE_US = 60e6;

/**
 * `requests` requests of traffic like that of the source, at its mean rate (`statistics.md`, "of traffic like this"):
 *
 * - arrivals `trace`: pieces of 60 s in random order, each with its own arrivals and lengths; when all were used, all
 *   again in another order.
 * - arrivals `poisson`: exponential gaps; rows drawn with replacement.
 *
 * `from`: the position of the first of them that is given; absent: 0.
 *
 * Prefix blocks are as reusable as in the trace, also where a row comes again (`fresh-blocks.ts`). Sessions are not kept:
 * their turns would come in another order. Holds all rows of the source.
 */
export const traffic: Transform = (source, args) => {
  const requests = numberArg('traffic', args, 'requests');
  const seed = numberArg('traffic', args, 'seed');
  const from = args['from'] === undefined ? 0 : numberArg('traffic', args, 'from');
  const make = args['arrivals'] === 'poisson' ? drawnRows : pieces;
  return {
    async *open() {
      const rows: Request[] = [];
      for await (const batch of source.open()) rows.push(...batch);
      yield* inBatches(asRequests(make(rows, rateOf(rows, source.name), seed), rows, [from, requests]));
    },
  };
};

/** A row of the source, and when it comes. */
type Drawn = readonly [row: number, dueUs: number];

function rateOf(rows: readonly Request[], name: string): number {
  const rate = meanRate(rows.length, rows[0]?.dueUs ?? 0, rows.at(-1)?.dueUs ?? 0);
  if (rate === null)
    throw new UserError(`${name}: all of its requests are due at one time: there is no timing to scale`);
  return rate;
}

function* drawnRows(rows: readonly Request[], rateRps: number, seed: number): Generator<Drawn> {
  const draw = randomStream(seed, 'traffic', 'rows');
  const gaps = randomStream(seed, 'traffic', 'gaps');
  let dueUs = 0;
  for (;;) {
    yield [Math.floor(uniform(draw) * rows.length), dueUs];
    dueUs -= (ln(1 - uniform(gaps)) * 1e6) / rateRps;
  }
}

/** The rows of each piece follow those of the piece before; an empty piece is a lull. */
function* pieces(rows: readonly Request[], _rateRps: number, seed: number): Generator<Drawn> {
  const random = randomStream(seed, 'traffic', 'pieces');
  const [firstUs, lastUs] = [rows[0]?.dueUs ?? 0, rows.at(-1)?.dueUs ?? 0];
  const lengthUs = Math.min(PIECE_US, (lastUs - firstUs) / 10);
  const count = Math.ceil((lastUs - firstUs + 1) / lengthUs);
  const starts = startsOf(rows, firstUs, lengthUs, count);
  let startUs = 0;
  for (;;)
    for (const piece of shuffled(count, random)) {
      const fromUs = firstUs + piece * lengthUs;
      for (let row = starts[piece] ?? 0; row < (starts[piece + 1] ?? 0); row++)
        yield [row, startUs + (rows[row]?.dueUs ?? 0) - fromUs];
      startUs += Math.min(lengthUs, lastUs + 1 - fromUs);
    }
}

/** The first row of each piece, and the number of rows behind the last. */
function startsOf(rows: readonly Request[], firstUs: number, lengthUs: number, count: number): number[] {
  const starts: number[] = [];
  for (const [i, { dueUs }] of rows.entries())
    while (starts.length <= Math.floor((dueUs - firstUs) / lengthUs)) starts.push(i);
  while (starts.length <= count) starts.push(rows.length);
  return starts;
}

function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform(random) * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

function* asRequests(
  drawn: Iterable<Drawn>,
  rows: readonly Request[],
  [from, to]: readonly [from: number, to: number],
): Generator<Request> {
  const beginnings = beginningsOf(rows.map(({ blocks }) => blocks ?? []));
  const blocksOf = beginnings === null ? null : freshBlocks(beginnings);
  let n = 0;
  for (const [row, dueUs] of drawn) {
    if (n >= to) return;
    const kept = withoutSession(rows[row] ?? fail(row));
    const blocks = blocksOf?.(row) ?? null;
    const position = n++;
    if (position < from) continue;
    yield { ...kept, id: trafficId(position), dueUs: Math.round(dueUs), ...(blocks === null ? {} : { blocks }) };
  }
}

function withoutSession(request: Request): Request {
  const { session: _, turn: __, parent: ___, after: ____, agent: _____, newTokens: ______, ...kept } = request;
  return kept;
}

/** Id of a request of traffic by its position, from 0. */
function trafficId(position: number): string {
  return `t${position}`;
}

/** The position of a request of traffic by its id. */
export function trafficPosition(id: string): number {
  return Number(id.slice(1));
}

function fail(row: number): never {
  throw new Error(`there is no row ${row}`);
}
