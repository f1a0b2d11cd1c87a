import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { IterationPolicy } from '../../../src/engine/policies/policy.ts';
import { missingTokens, type SequenceView } from '../../../src/engine/instance/sequence.ts';
import { collocated } from '../../../src/engine/systems/collocated.ts';
import { readDeployment } from '../../../src/engine/systems/deployment.ts';
import { kvBlocks } from '../../../src/engine/systems/fit.ts';
import { OURS, type OptionReader } from '../../../src/engine/systems/option-reader.ts';
import { readReplicas } from '../../../src/engine/systems/replicas.ts';
import type { System } from '../../../src/engine/systems/system.ts';

const ORDERS = {
  shortest: ({ promptTokens }: SequenceView) => promptTokens,
  'first-come': ({ arrivalUs }: SequenceView) => arrivalUs,
};

/** One request at a time, from its prompt to its last token; the next is the lowest by `order`. */
function oneByOne(order: (sequence: SequenceView) => number): IterationPolicy {
  return (scheduler) => {
    const [current] = scheduler.running;
    if (current !== undefined) {
      scheduler.run(current, missingTokens(current));
      return;
    }
    scheduler.sortWaiting(order);
    const next = scheduler.waiting.at(0);
    // Memory for the longest answer at once: then `run` never lacks it, and nobody has to be preempted.
    if (next !== undefined) scheduler.admit(next, missingTokens(next), next.promptTokens + next.maxTokens);
  };
}

/** A toy: the shortest prompt first, and nothing beside it. */
export const toy: System = collocated({
  cites: 'No one: the example of src/engine/README.md',
  equals: 'nothing: there is no real one',
  options: read,
  memory: (options) => new CountingBlockPool(kvBlocks(options), options.block_tokens),
  policy: (options) => oneByOne(ORDERS[options.order]),
});

function read(given: OptionReader) {
  return {
    ...readDeployment(given, { hostFixedUs: 1000, hostPerSequenceUs: 0 }),
    ...readReplicas(given),
    order: given.name('order', ORDERS, { fallback: 'shortest', about: 'who runs next', source: OURS }),
  };
}
