import { UserError } from '../../src/core/errors.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { formatMs, withThousands } from '../../src/core/units.ts';
import { inBatches } from '../formats/batches.ts';
import { choiceArg, numberArg, type ResolvingTransform, type Transform } from './transform.ts';

/** How requests at one time are spread: at equal distances, or each at random. */
export const DECLUMP = ['even', 'uniform'] as const;

/** So many gaps between successive times tell how far apart rounded times are. */
const MOST_GAPS = 10_000;

/**
 * Finds how far apart the times of the trace are when nothing is missing between them: the gap that most of them have.
 * Reads as much of the source as that takes, nothing where it is known.
 */
export const findTick: ResolvingTransform = async (source, args, { say }) => {
  if (args['tick_us'] !== undefined) return [{ op: 'declump', args }];
  const counts = new Map<number, number>();
  let [gaps, lastUs] = [0, null as number | null];
  reading: for await (const batch of source.open())
    for (const { dueUs } of batch) {
      if (lastUs !== null && dueUs > lastUs) {
        counts.set(dueUs - lastUs, (counts.get(dueUs - lastUs) ?? 0) + 1);
        if (++gaps >= MOST_GAPS) break reading;
      }
      lastUs = dueUs;
    }
  if (gaps === 0)
    throw new UserError(`--declump: all requests of ${source.name} are due at one time: there is no next`);
  const [tickUs] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most));
  say?.(`times ${formatMs(tickUs / 1000)} apart`);
  return [{ op: 'declump', args: { ...args, tick_us: tickUs } }];
};

/**
 * Requests that stand at one time are spread until the next time, or over `tick_us` where that is nearer; their order
 * stays. `by`: even, or uniform (each drawn by its id and `seed`).
 */
export const declump: Transform = (source, args, { say }) => {
  const by = choiceArg('declump', args, 'by', DECLUMP);
  const tickUs = numberArg('declump', args, 'tick_us');
  const seed = by === 'even' ? 0 : numberArg('declump', args, 'seed');
  /** The shares of the time until the next tick at which requests stand, in order. */
  const sharesOf = (clump: readonly Request[]): number[] =>
    by === 'even'
      ? clump.map((_, i) => i / clump.length)
      : clump.map(({ id }) => uniform(randomStream(seed, 'declump', id))).sort((a, b) => a - b);
  async function* spread(): AsyncGenerator<Request> {
    let clump: Request[] = [];
    let moved = 0;
    function* until(nextUs: number): Generator<Request> {
      const startUs = clump[0]?.dueUs ?? 0;
      const lengthUs = Math.min(tickUs, nextUs - startUs);
      const shares = sharesOf(clump);
      for (const [i, request] of clump.entries())
        yield { ...request, dueUs: startUs + Math.floor((shares[i] ?? 0) * lengthUs) };
      if (clump.length > 1) moved += clump.length;
      clump = [];
    }
    for await (const batch of source.open())
      for (const request of batch) {
        if (request.dueUs !== clump[0]?.dueUs) yield* until(request.dueUs);
        clump.push(request);
      }
    yield* until(Number.POSITIVE_INFINITY);
    say?.(`${withThousands(moved)} requests that shared a time are spread`);
  }
  return { open: () => inBatches(spread()) };
};
