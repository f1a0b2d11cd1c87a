import type { Source } from '../../src/core/plan.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * The first `lanes` session trees are met as they go on: each begins at one of its requests, any of them as likely, with
 * a random part of its think time left. What came before is one request for one token, not measured, that brings the
 * prompt before it into the cache. To come after `by-session`.
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
  const passed = new Set(tree.slice(0, at).map(({ id }) => id));
  yield { ...before, dueUs: 0, outputTokens: 1, after: [], isPriming: true };
  const leftUs = uniform(random);
  for (const request of tree.slice(at)) {
    const after = request.after ?? [];
    const isEntered = after.length === 0 || after.some(({ id }) => passed.has(id));
    const dueUs = Math.max(0, request.dueUs - first.dueUs);
    if (!isEntered) yield { ...request, dueUs };
    else {
      const thinkUs = Math.max(0, ...after.filter(({ id }) => passed.has(id)).map((one) => one.thinkUs));
      const others = after.filter(({ id }) => !passed.has(id));
      yield { ...request, dueUs, after: [{ id: before.id, thinkUs: Math.round(thinkUs * leftUs) }, ...others] };
    }
  }
}
