import type { CostModel } from '../cost/cost-model.ts';
import type { Engine } from '../engine.ts';
import { cluster } from '../cluster/cluster.ts';
import { KvReceiver } from '../cluster/kv-receiver.ts';
import type { Link } from '../hardware/link.ts';
import { pipeline } from '../hardware/pipeline.ts';
import { Instance, type InstanceParts } from '../instance/instance.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { KvAdmission } from '../cluster/kv-admission.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { ROUTERS, type RouterName } from '../cluster/routers.ts';
import type { Sequence } from '../instance/sequence.ts';
import { pdEndpoints } from '../cluster/pd-endpoints.ts';
import type { OptionReader } from './option-reader.ts';
import type { EngineContext } from './system.ts';

/** Equal instances that do one part of the work. */
export interface RoleParts {
  readonly count: number;
  readonly router: RouterName;
  /** Stages of the pipeline of each. */
  readonly stages: number;
  readonly memory: () => KvCache;
  readonly policy: () => IterationPolicy;
  /** By the name of the instance. */
  readonly cost: (instance: string) => CostModel;
}

export interface DisaggregatedParts {
  readonly maxModelLen: number;
  readonly prefill: RoleParts;
  readonly decode: RoleParts;
  /** Makes the link between one instance of each side. */
  readonly link: () => Link;
  readonly kvBytesPerToken: number;
  readonly admission: KvAdmission;
  /** As in `InstanceParts`. */
  readonly repeatsFirstToken: boolean;
  /** As in `ReceiverParts`. */
  readonly isLost?: () => boolean;
  /**
   * Given where each side may be asked by itself: how long a prompt is held to be fetched. The first token is repeated
   * then, for the one that comes with the prompt goes to whoever asked for the prompt.
   */
  readonly holdUs?: number;
}

/** An engine of instances that compute prompts and instances that decode, with KV memory handed over between them. */
export function disaggregated(context: EngineContext, parts: DisaggregatedParts): Engine {
  const { clock } = context;
  const { prefill, decode, link, repeatsFirstToken, holdUs } = parts;
  const decoders = instances(context, 'decode', decode, (i) => ({ onDecision: () => receivers[i]?.look() }));
  const receivers = decoders.map((instance) => new KvReceiver({ ...parts, clock, decode: instance }));

  const route = ROUTERS[decode.router].create();
  const links = new Map<Instance, readonly Link[]>();
  const send = (sequence: Sequence, from: Instance | undefined, to: number): void => {
    const way = from && links.get(from)?.[to];
    if (from !== undefined && way !== undefined) receivers[to]?.offer(sequence, from, way);
  };
  const entry = instances(context, 'prefill', prefill, (i) => ({
    repeatsFirstToken,
    handOver: (sequence) => send(sequence, entry[i], route(receivers)),
  }));
  for (const instance of entry) links.set(instance, receivers.map(link));

  const between = (): number => receivers.reduce((sum, receiver) => sum + receiver.between(), 0);
  const front = { clock, maxModelLen: parts.maxModelLen, entry, router: ROUTERS[prefill.router].create() };
  const engine = cluster({ ...front, others: decoders, between });
  if (holdUs === undefined) return engine;
  return {
    ...engine,
    pd: pdEndpoints({
      prefill: front,
      decode: { ...front, entry: decoders, router: () => route(receivers), between },
      holdUs,
      send: (sequence, from, to) => send(sequence, from, decoders.indexOf(to)),
    }),
  };
}

function instances(
  { clock, onIteration }: EngineContext,
  name: string,
  { count, stages, memory, policy, cost }: RoleParts,
  more: (i: number) => Partial<InstanceParts>,
): Instance[] {
  return Array.from(
    { length: count },
    (_, i) =>
      new Instance({
        name: `${name}-${i}`,
        clock,
        onIteration,
        policy,
        memory: memory(),
        executor: pipeline(clock, stages),
        cost: cost(`${name}-${i}`),
        ...more(i),
      }),
  );
}

/** Who picks the instances of each of the two sides. */
export function readRouters(
  given: OptionReader,
  fallback: { readonly prefill: RouterName; readonly decode: RouterName },
  source: string,
): { readonly 'prefill.router': RouterName; readonly 'decode.router': RouterName } {
  const read = (side: keyof typeof fallback): RouterName =>
    given.name(`${side}.router`, ROUTERS, {
      fallback: fallback[side],
      about: `who picks the instance that is to ${side}`,
      source,
    });
  return { 'prefill.router': read('prefill'), 'decode.router': read('decode') };
}
