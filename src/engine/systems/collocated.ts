import { cluster } from '../cluster/cluster.ts';
import { ROUTERS } from '../cluster/routers.ts';
import type { AheadRules } from '../instance/instance.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { costModel, type Deployment } from './deployment.ts';
import { equalMembers } from './members.ts';
import type { OptionReader } from './option-reader.ts';
import type { Replicas } from './replicas.ts';
import type { System } from './system.ts';

export interface CollocatedParts<O extends Deployment & Replicas> {
  readonly cites: string;
  /** As in `System`. */
  readonly equals: string;
  readonly options: (given: OptionReader) => O;
  /** Memory of one instance. */
  readonly memory: (options: O) => KvCache;
  readonly policy: (options: O) => IterationPolicy;
  /** Set where batches are decided ahead. */
  readonly ahead?: (options: O) => AheadRules | undefined;
  /** Longest prompt, if one batch must hold it whole. */
  readonly maxPromptTokens?: (options: O) => number;
  /** Name of an instance; by default its number. */
  readonly name?: (i: number) => string;
}

/** A system of equal instances behind a router, each of which does both prefill and decode. */
export function collocated<O extends Deployment & Replicas>(parts: CollocatedParts<O>): System {
  const { cites, equals, options: read, memory, policy, ahead, maxPromptTokens, name = String } = parts;
  return {
    cites,
    equals,
    options: read,
    engine(given, context) {
      const options = read(given);
      return cluster({
        clock: context.clock,
        maxModelLen: options.max_model_len,
        maxPromptTokens: maxPromptTokens?.(options),
        router: ROUTERS[options.router].create(),
        members: equalMembers(context, {
          role: 'both',
          count: options.instances,
          name,
          stages: options.pp,
          memory: () => memory(options),
          policy: () => policy(options),
          ahead: ahead?.(options),
          cost: (instance) => costModel(options, instance),
        }),
      });
    },
  };
}
