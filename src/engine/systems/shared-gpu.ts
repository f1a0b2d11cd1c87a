import { cluster, type MemberParts } from '../cluster/cluster.ts';
import { ROUTERS } from '../cluster/routers.ts';
import type { SharedCostModel } from '../cost/cost-model.ts';
import type { ShareCurve } from '../cost/share-curve.ts';
import type { Engine } from '../engine.ts';
import { Device } from '../hardware/device.ts';
import { Instance } from '../instance/instance.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import type { Shares } from '../policies/nexus-shares.ts';
import { costModel, costWithoutNoise, type Deployment } from './deployment.ts';
import type { Replicas } from './replicas.ts';
import type { EngineContext } from './system.ts';

export interface SharedGpuParts {
  readonly options: Deployment & Replicas;
  readonly curve: ShareCurve;
  readonly memory: () => KvCache;
  readonly prefill: () => IterationPolicy;
  readonly decode: () => IterationPolicy;
  /** The partition of one GPU; `watch` sees its iterations. */
  readonly shares: (gpu: SharedGpu) => Shares & { readonly watch?: IterationWatch };
}

/** What a partition can know of its GPU. */
export interface SharedGpu {
  /** Without noise. */
  readonly cost: SharedCostModel;
  /** Share of the KV memory in use. */
  readonly kvUse: () => number;
  readonly now: () => number;
}

const PHASES = ['prefill', 'decode'] as const;

/**
 * An engine whose GPUs (each of `tp` together) compute prompts and decode at once, on shares of their processors, in one
 * memory: what a prompt has computed is where it decodes.
 */
export function sharedGpuEngine({ clock, onIteration }: EngineContext, parts: SharedGpuParts): Engine {
  const { options, curve, memory: createMemory, shares: createShares } = parts;
  const members = Array.from({ length: options.instances }, (_, i): MemberParts[] => {
    const memory = createMemory();
    const cost = costWithoutNoise(options, curve);
    const device = new Device(clock, cost, curve);
    const kvUse = (): number => 1 - memory.freeBlocks / memory.capacityBlocks;
    const { watch, ...shares } = createShares({ cost, kvUse, now: () => clock.now() });
    const watches = [watch, onIteration].filter((each) => each !== undefined);
    return PHASES.map((role) => ({
      role,
      create: (hooks) =>
        new Instance({
          name: `${role}-${i}`,
          clock,
          memory,
          executor: device.lane(shares[role]),
          cost: costModel(options, `${role}-${i}`, curve),
          policy: parts[role],
          onIteration:
            watches.length === 0 ? undefined : (...iteration) => watches.forEach((each) => each(...iteration)),
          ...hooks,
        }),
    }));
  });
  return cluster({
    clock,
    maxModelLen: options.max_model_len,
    router: ROUTERS[options.router].create(),
    members: members.flat(),
  });
}

/** A GPU that computes prompts and decodes at once: no published system of this kind has stages of a pipeline. */
export const MOST_STAGES = 1;
