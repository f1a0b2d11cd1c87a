import type { Source } from '../../src/core/plan.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * The first `lanes` session trees are met as they go on: each begins at one of its requests, any of them as likely, with
 * a random part of its think time left. What came before is a request for one token, not measured, for each prompt that
 * one of the requests left goes on from or waits for, such as those of an agent and of its subagents: it brings that
 * prompt into the cache. To come after `by-session`.
 */
export const stationary: Transform = (source, args) => {
  const lanes = numberArg('stationary', args, 'lanes');
  const seed = numberArg('stationary', args, 'seed');
  return { open: () => inBatches(enteredTrees(source, lanes, seed)) };
};

async function* enteredTrees(source: Source, lanes: number, seed: number): AsyncGenerator<Request> {
  const random = randomStream(seed, 'where sessions are entered');
  let tree: Request[] = [];
  let trees = 0;
  for await (const batch of source.open())
    for (const request of batch) {
      if (tree.length > 0 && tree[0]?.tree !== request.tree) {
        yield* enter(tree, trees++ < lanes ? random : null);
        tree = [];
      }
      tree.push(request);
    }
  if (tree.length > 0) yield* enter(tree, trees < lanes ? random : null);
}

function* enter(tree: readonly Request[], random: Random | null): Generator<Request> {
  const at = random === null ? 0 : Math.floor(uniform(random) * tree.length);
  const first = tree[at];
  const before = tree[at - 1];
  if (random === null || first === undefined || before === undefined) {
    yield* tree;
    return;
  }
  const left = uniform(random);
  const passed = new Set(tree.slice(0, at).map(({ id }) => id));
  const coming = tree.slice(at);
  const primed = goneOnFrom(tree.slice(0, at), coming);
  for (const request of primed) yield { ...request, dueUs: 0, outputTokens: 1, after: [], isPriming: true };
  const gapUs = awaitedUs(first, passed) ?? Math.max(0, first.dueUs - before.dueUs);
  const offsetUs = Math.round(gapUs * left) - first.dueUs;
  for (const request of coming) {
    const dueUs = Math.max(0, request.dueUs + offsetUs);
    const after = request.after?.map(({ id, thinkUs }) => ({
      id,
      thinkUs: passed.has(id) ? Math.round(thinkUs * left) : thinkUs,
    }));
    yield { ...request, dueUs, ...(after === undefined ? {} : { after }) };
  }
}

/** The longest think time after what a request waits for and what has passed; null: it waits for nothing of it. */
function awaitedUs({ after = [] }: Request, passed: ReadonlySet<string>): number | null {
  const thinkUs = after.filter(({ id }) => passed.has(id)).map((one) => one.thinkUs);
  return thinkUs.length === 0 ? null : Math.max(...thinkUs);
}

/**
 * Those of `passed` that one of `coming` waits for, and the last of each branch that goes on where its requests wait for
 * nothing.
 */
function goneOnFrom(passed: readonly Request[], coming: readonly Request[]): Request[] {
  const lastOf = new Map(passed.map((request) => [branchOf(request), request.id]));
  const ids = new Set(
    coming.flatMap((request) => {
      const { after = [] } = request;
      return after.length === 0 ? (lastOf.get(branchOf(request)) ?? []) : after.map(({ id }) => id);
    }),
  );
  return passed.filter(({ id }) => ids.has(id));
}

function branchOf({ session = '', agent = '' }: Request): string {
  return `${session}\0${agent}`;
}
