import type { MemberParts } from '../cluster/cluster.ts';
import type { Role } from '../cluster/routers.ts';
import type { CostModel } from '../cost/cost-model.ts';
import { pipeline } from '../hardware/pipeline.ts';
import { Instance, type AheadRules } from '../instance/instance.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import type { EngineContext } from './system.ts';

/** Equal instances of a cluster. */
export interface EqualMembers {
  readonly role: Role;
  readonly count: number;
  /** Name of an instance in iteration logs, and key of its noise. */
  readonly name: (i: number) => string;
  /** Pipeline stages of each instance. */
  readonly stages: number;
  readonly memory: () => KvCache;
  readonly policy: () => IterationPolicy;
  /** As in `InstanceParts`. */
  readonly ahead?: AheadRules | undefined;
  /** By the name of the instance. */
  readonly cost: (name: string) => CostModel;
}

export function equalMembers({ clock, onIteration }: EngineContext, parts: EqualMembers): MemberParts[] {
  const { role, count, stages, memory, policy, ahead, cost } = parts;
  return Array.from({ length: count }, (_, i) => ({
    role,
    create(hooks) {
      const name = parts.name(i);
      const executor = pipeline(clock, stages);
      return new Instance({
        name,
        clock,
        onIteration,
        policy,
        ahead,
        memory: memory(),
        executor,
        cost: cost(name),
        ...hooks,
      });
    },
  }));
}
