import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import type { Transform } from './transform.ts';

/** Numbers that are held at most: 8 bytes each, so that this is some 400 MB. */
const MOST_HELD = 5e7;
/** What a request without blocks and texts holds, in numbers. */
const HELD_PER_REQUEST = 40;

/**
 * The requests of each session tree together (`Request.tree`), trees in order of their first due times, the requests of
 * a tree as they stood. What a request waits for outside of the trace is left out. Holds the trace, up to a limit; of a
 * source without session starts, whose sessions stand one after another, a session. Throws a UserError for more, and for
 * requests that wait for one another in a circle.
 */
export const bySession: Transform = (source) => ({
  open: () => inBatches(source.starts === 'none' ? onePerSession(source) : allTrees(source)),
});

async function* onePerSession(source: Source): AsyncGenerator<Request> {
  let tree = 0;
  let held = new Held(source.path);
  let session: string | undefined;
  for await (const batch of source.open())
    for (const request of batch) {
      if (held.requests.length > 0 && (request.session === undefined || request.session !== session)) {
        yield* numbered(checked(held.requests, source.path), tree++);
        held = new Held(source.path);
      }
      session = request.session;
      held.add(request);
    }
  yield* numbered(checked(held.requests, source.path), tree);
}

async function* allTrees(source: Source): AsyncGenerator<Request> {
  const held = new Held(source.path);
  for await (const batch of source.open()) for (const request of batch) held.add(request);
  const { requests } = held;
  const trees = treesOf(requests);
  const firstUs = (tree: readonly Request[]): number => tree.reduce((us, { dueUs }) => Math.min(us, dueUs), Infinity);
  const starts = new Map(trees.map((tree) => [tree, firstUs(tree)]));
  trees.sort((a, b) => (starts.get(a) ?? 0) - (starts.get(b) ?? 0));
  let number = 0;
  for (const tree of trees) yield* numbered(checked(tree, source.path), number++);
}

function* numbered(requests: readonly Request[], tree: number): Generator<Request> {
  for (const request of requests) yield { ...request, tree };
}

/** Requests that are linked by their sessions or by what they wait for, in the order of their first ones. */
function treesOf(requests: readonly Request[]): Request[][] {
  const root = requests.map((_, i) => i);
  const find = (of: number): number => {
    let at = of;
    for (let up = root[at] ?? at; up !== at; up = root[at] ?? at) {
      root[at] = root[up] ?? up;
      at = up;
    }
    return at;
  };
  const byId = new Map(requests.map(({ id }, i) => [id, i]));
  const bySessionName = new Map<string, number>();
  for (const [i, { session, after = [] }] of requests.entries()) {
    const linked = after.map(({ id }) => byId.get(id)).filter((at) => at !== undefined);
    if (session !== undefined) {
      const first = bySessionName.get(session) ?? i;
      bySessionName.set(session, first);
      linked.push(first);
    }
    for (const at of linked) {
      const [a, b] = [find(i), find(at)];
      root[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const trees = new Map<number, Request[]>();
  for (const [i, request] of requests.entries()) {
    const tree = trees.get(find(i));
    if (tree === undefined) trees.set(find(i), [request]);
    else tree.push(request);
  }
  return [...trees.values()];
}

/** A tree whose requests wait for one another alone, and in no circle. */
function checked(tree: readonly Request[], path: string): Request[] {
  const ids = new Set(tree.map(({ id }) => id));
  const closed = tree.map((request) =>
    request.after === undefined || request.after.every(({ id }) => ids.has(id))
      ? request
      : { ...request, after: request.after.filter(({ id }) => ids.has(id)) },
  );
  const left = new Set(closed);
  const over = new Set<string>();
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const request of left)
      if ((request.after ?? []).every(({ id }) => over.has(id))) {
        left.delete(request);
        over.add(request.id);
      }
  }
  const [first] = left;
  if (first !== undefined)
    throw new UserError(
      `${path}:${first.traceRow}: parent_cycle: request ${first.id} waits for itself, by way of ${(first.after ?? []).map(({ id }) => id).join(', ')}`,
    );
  return closed;
}

/** Requests that are held, and a bound of what they hold. */
class Held {
  readonly requests: Request[] = [];
  readonly #path: string;
  #numbers = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(request: Request): void {
    const texts =
      request.prompt === undefined && request.payload === undefined
        ? 0
        : JSON.stringify([request.prompt, request.payload]).length / 4;
    this.#numbers += HELD_PER_REQUEST + (request.blocks?.length ?? 0) + texts;
    if (this.#numbers > MOST_HELD)
      throw new UserError(
        `${this.#path}: its sessions hold more than ${MOST_HELD * 8} bytes, which are kept until their turns are due; cut it: --window, --limit`,
      );
    this.requests.push(request);
  }
}
