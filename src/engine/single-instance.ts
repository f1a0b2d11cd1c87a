import type { Clock } from '../core/clock.ts';
import type { Engine, Submission } from './engine.ts';
import { Instance } from './instance.ts';
import type { CostModel } from './cost/cost-model.ts';
import { BlockPool } from './kv/block-pool.ts';
import type { IterationPolicy } from './policies/policy.ts';
import { Sequence } from './sequence.ts';

export interface SingleInstanceParts {
  readonly clock: Clock;
  readonly policy: IterationPolicy;
  readonly cost: CostModel;
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  readonly maxModelLen: number;
}

/** An engine of one instance: refuses what the API server in front of it would, and queues the rest. */
export function singleInstance(parts: SingleInstanceParts): Engine {
  const { clock, maxModelLen } = parts;
  const pool = new BlockPool(parts.capacityBlocks, parts.blockTokens);
  const instance = new Instance({ ...parts, pool });
  return {
    maxModelLen,
    submit(submission, listener) {
      const refusal = refusalOf(submission, maxModelLen, pool);
      if (refusal !== null) {
        listener.reject(400, refusal);
        return () => undefined;
      }
      const sequence = new Sequence(submission, listener, clock.now());
      instance.submit(sequence);
      return () => instance.cancel(sequence);
    },
    load: () => instance.load(),
  };
}

/** Why a request can never be served; null if it can. */
function refusalOf({ inputTokens, maxTokens }: Submission, maxModelLen: number, pool: BlockPool): string | null {
  if (inputTokens < 1) return 'The prompt is empty: at least one token is needed.';
  if (maxTokens < 1) return `max_tokens must be at least 1, got ${maxTokens}.`;
  const total = inputTokens + maxTokens;
  if (total > maxModelLen)
    return `${inputTokens} prompt tokens and ${maxTokens} to generate exceed the maximum model length of ${maxModelLen} tokens.`;
  if (pool.blocksFor(total) > pool.capacityBlocks)
    return (
      `${inputTokens} prompt tokens and ${maxTokens} to generate need ${pool.blocksFor(total)} KV blocks, ` +
      `and there are ${pool.capacityBlocks}.`
    );
  return null;
}
