import { cluster } from '../cluster/cluster.ts';
import { pipeline } from '../hardware/pipeline.ts';
import { Instance } from '../instance/instance.ts';
import type { Engine } from '../engine.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { ROUTERS } from '../cluster/routers.ts';
import { costModel, type Deployment } from './deployment.ts';
import type { Replicas } from './replicas.ts';
import type { EngineContext } from './system.ts';

export interface CollocatedParts {
  readonly deployment: Deployment & Replicas;
  readonly memory: () => KvCache;
  readonly policy: () => IterationPolicy;
}

/** An engine of equal instances behind a router, each of which computes prompts and decodes. */
export function collocated(context: EngineContext, parts: CollocatedParts): Engine {
  const { clock, onIteration } = context;
  const { deployment, memory, policy } = parts;
  const entry = Array.from(
    { length: deployment.instances },
    (_, i) =>
      new Instance({
        name: String(i),
        clock,
        onIteration,
        policy,
        memory: memory(),
        executor: pipeline(clock, deployment.pp),
        cost: costModel(deployment, String(i)),
      }),
  );
  return cluster({
    clock,
    entry,
    maxModelLen: deployment.max_model_len,
    router: ROUTERS[deployment.router].create(),
  });
}
