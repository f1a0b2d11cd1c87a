import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import { meanRate } from '../../src/core/rate.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
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
 * Sessions are not kept: their turns would come in another order. Holds all rows of the source.
 */
export const traffic: Transform = (source, args) => {
  const requests = numberArg('traffic', args, 'requests');
  const seed = numberArg('traffic', args, 'seed');
  const make = args['arrivals'] === 'poisson' ? drawnRows : pieces;
  return async function* () {
    const rows: Request[] = [];
    for await (const batch of source.open()) rows.push(...batch);
    yield* inBatches(make(rows, rateOf(rows, source.name), requests, seed));
  };
};

function rateOf(rows: readonly Request[], name: string): number {
  const rate = meanRate(rows.length, rows[0]?.dueUs ?? 0, rows.at(-1)?.dueUs ?? 0);
  if (rate === null) throw new UserError(`${name}: all of its requests are due at one time: there is no timing to scale`);
  return rate;
}

function* drawnRows(rows: readonly Request[], rateRps: number, requests: number, seed: number): Generator<Request> {
  const draw = randomStream(seed, 'traffic', 'rows');
  const gaps = randomStream(seed, 'traffic', 'gaps');
  let dueUs = 0;
  for (let n = 0; n < requests; n++) {
    const row = rows[Math.floor(uniform(draw) * rows.length)];
    if (row !== undefined) yield like(row, n, dueUs);
    dueUs -= (ln(1 - uniform(gaps)) * 1e6) / rateRps;
  }
}

/** The rows of each piece follow those of the piece before; an empty piece is a lull. */
function* pieces(rows: readonly Request[], _rateRps: number, requests: number, seed: number): Generator<Request> {
  const random = randomStream(seed, 'traffic', 'pieces');
  const [firstUs, lastUs] = [rows[0]?.dueUs ?? 0, rows.at(-1)?.dueUs ?? 0];
  const lengthUs = Math.min(PIECE_US, (lastUs - firstUs) / 10);
  const count = Math.ceil((lastUs - firstUs + 1) / lengthUs);
  const starts = startsOf(rows, firstUs, lengthUs, count);
  let startUs = 0;
  for (let n = 0; n < requests; )
    for (const piece of shuffled(count, random)) {
      const fromUs = firstUs + piece * lengthUs;
      for (let row = starts[piece] ?? 0; row < (starts[piece + 1] ?? 0) && n < requests; row++) {
        const request = rows[row];
        if (request !== undefined) yield like(request, n++, startUs + request.dueUs - fromUs);
      }
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

function like({ session: _, turn: __, ...row }: Request, n: number, dueUs: number): Request {
  return { ...row, id: `t${n}`, dueUs: Math.round(dueUs) };
}
