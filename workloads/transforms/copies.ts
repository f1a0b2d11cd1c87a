import { UserError } from '../../src/core/errors.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { blockCopies, renamer } from '../namespaces.ts';
import { LeftOut } from './left-out.ts';
import { SessionKeys } from './sample-sessions.ts';
import { isDrawn } from './thin.ts';
import { choiceArg, numberArg, type Say, type Transform } from './transform.ts';

/** When copies run: each begins somewhere else in the trace, which then goes round; or all at the trace's own times. */
export const COPY_TIMES = ['shifted', 'same'] as const;
/** Whether a copy has prefix blocks of its own. */
export const COPY_BLOCKS = ['fresh', 'same'] as const;
/** What a fraction of a copy is a sample of. */
const SAMPLES = ['sessions', 'requests'] as const;

/** More would be another load than any trace's, and its ids would have no room. */
const MOST_COPIES = 1000;

/**
 * `copies` copies of the trace at once, 2.4 being two and a sample of 0.4 of a third (`sample`: of sessions, or of
 * requests). A copy has ids and sessions of its own (`r12#2`), and blocks, unless `blocks` is `same`. `times` is
 * `shifted`: each copy but the first is turned by a random time, whole sessions at once, those that would begin behind
 * the trace's end begin at its start. Copies at the same times double every burst. Holds the trace.
 */
export const copies: Transform = (source, args, { say }) => {
  const spec: Spec = {
    count: numberArg('copies', args, 'copies'),
    seed: numberArg('copies', args, 'seed'),
    // Where sessions have no starts, there is nothing to shift.
    times: source.starts === 'none' ? 'same' : choiceArg('copies', args, 'times', COPY_TIMES),
    blocks: choiceArg('copies', args, 'blocks', COPY_BLOCKS),
    sample: choiceArg('copies', args, 'sample', SAMPLES),
  };
  const { count } = spec;
  if (!(count >= 1 && count <= MOST_COPIES))
    throw new UserError(`--copies: got ${count}, expected a number from 1 to ${MOST_COPIES}, e.g. 2`);
  const rename = async (rows: readonly Request[]): Promise<readonly ((request: Request) => Request)[]> => {
    const before: Request[] = [];
    for await (const batch of source.before?.() ?? []) before.push(...batch);
    return renamers([...rows, ...before], spec);
  };
  const { before } = source;
  return {
    async *open() {
      const rows = await all(source.open());
      yield* inBatches(merged(copiesOf(rows, spec, await rename(rows), say), source.starts === 'none'));
    },
    ...(before === undefined || spec.blocks === 'same'
      ? {}
      : {
          async *before() {
            const names = await rename(await all(source.open()));
            for await (const batch of before()) for (const name of names) yield batch.map(name);
          },
        }),
  };
};

interface Spec {
  readonly count: number;
  readonly seed: number;
  readonly times: (typeof COPY_TIMES)[number];
  readonly blocks: (typeof COPY_BLOCKS)[number];
  readonly sample: (typeof SAMPLES)[number];
}

/** One copy: its rows in order of time, and how they are named. */
interface Copy {
  readonly rows: readonly Request[];
  readonly rename: (request: Request) => Request;
}

async function all(batches: AsyncIterable<readonly Request[]>): Promise<Request[]> {
  const rows: Request[] = [];
  for await (const batch of batches) for (const request of batch) rows.push(request);
  return rows;
}

/** How each copy is named. Ids of copies of copies stay unique, for the mark is one that no id has. */
function renamers(rows: readonly Request[], { count, blocks }: Spec): ((request: Request) => Request)[] {
  const whole = Math.ceil(count);
  let mark = '#';
  while (rows.some(({ id, session }) => id.includes(mark) || session?.includes(mark) === true)) mark += '#';
  const blockOf = blocks === 'same' ? null : blockCopies(rows, whole);
  return Array.from({ length: whole }, (_, copy) =>
    renamer((id) => (copy === 0 ? id : `${id}${mark}${copy + 1}`), blockOf?.(copy) ?? null),
  );
}

function copiesOf(
  rows: readonly Request[],
  spec: Spec,
  names: readonly ((request: Request) => Request)[],
  say: Say | null,
): Copy[] {
  const { count, seed, times } = spec;
  const turn = times === 'same' ? null : turnsOf(rows);
  return names.map((rename, copy) => {
    const share = count - copy;
    const own = share >= 1 ? rows : sampled(rows, spec, rename, share, say);
    const turned = copy === 0 || turn === null ? own : turn(own, uniform(randomStream(seed, 'copies', copy)));
    return { rows: turned, rename };
  });
}

/** The fraction of a copy. It is drawn by the names of the copy, so that it is no sample that was taken before. */
function sampled(
  rows: readonly Request[],
  { seed, sample }: Spec,
  rename: (request: Request) => Request,
  share: number,
  say: Say | null,
): Request[] {
  const keys = new SessionKeys();
  if (sample === 'sessions') for (const request of rows) keys.count(request);
  const leftOut = new LeftOut();
  const kept = rows.flatMap((request) => {
    const key = sample === 'requests' ? rename(request).id : keys.of(request);
    return leftOut.take(request, isDrawn(seed, 'copies', key, share));
  });
  leftOut.say(say);
  return kept;
}

/** Turns rows of a trace by a share of its length, which is the mean gap longer than from the first to the last. */
function turnsOf(trace: readonly Request[]): (rows: readonly Request[], share: number) => Request[] {
  const firstUs = trace[0]?.dueUs ?? 0;
  const spanUs = (trace.at(-1)?.dueUs ?? 0) - firstUs;
  const lengthUs = spanUs + Math.round(spanUs / Math.max(1, trace.length - 1));
  return (rows, share) => {
    const byUs = Math.floor(share * lengthUs);
    const starts = new Map<string, number>();
    const turned = rows.map((request) => {
      const { session, dueUs } = request;
      const startUs = session === undefined ? dueUs : (starts.get(session) ?? dueUs);
      if (session !== undefined) starts.set(session, startUs);
      return { ...request, dueUs: dueUs + byUs - (startUs - firstUs + byUs >= lengthUs ? lengthUs : 0) };
    });
    return turned.sort((a, b) => a.dueUs - b.dueUs);
  };
}

/** All rows in order of time, equal times in the order of the copies; one copy after the other where none has a start. */
function* merged(each: readonly Copy[], isApart: boolean): Generator<Request> {
  const places = each.map(() => 0);
  for (;;) {
    let next = -1;
    let nextUs = Number.POSITIVE_INFINITY;
    for (const [copy, { rows }] of each.entries()) {
      const dueUs = rows[places[copy] ?? 0]?.dueUs;
      if (dueUs === undefined || dueUs >= nextUs) continue;
      [next, nextUs] = [copy, dueUs];
      if (isApart) break;
    }
    const copy = each[next];
    const row = copy?.rows[places[next] ?? 0];
    if (copy === undefined || row === undefined) return;
    places[next] = (places[next] ?? 0) + 1;
    yield copy.rename(row);
  }
}
