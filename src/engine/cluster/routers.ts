import type { KvCacheView } from '../kv/kv-cache.ts';
import type { Prompt } from '../instance/prompt-content.ts';

/** The work of an instance: prompts, the tokens after them, or both. It may change while the engine runs. */
export type Role = 'prefill' | 'decode' | 'both';
/** The work that a request is about to need. */
export type Stage = Exclude<Role, 'both'>;

export function serves(role: Role, stage: Stage): boolean {
  return role === stage || role === 'both';
}

/** A request as routers see it; its true output length is not here. */
export interface RoutedRequest extends Prompt {
  /** `prefill`: it has just arrived. `decode`: its prompt is computed, or is to be computed where it decodes. */
  readonly stage: Stage;
  /** Output that the caller allows at most. */
  readonly maxTokens: number;
  readonly arrivalUs: number;
  /** Requests of this stage that were held before it and still are. */
  readonly ahead: number;
}

/** An instance as routers and controllers see it, with the requests that are on their way to it. */
export interface InstanceView {
  readonly name: string;
  readonly role: Role;
  readonly memory: KvCacheView;
  /** Requests that wait or run there. */
  requests(): number;
  /** Tokens of these requests: whole prompts, and what was generated. */
  tokens(): number;
  /** Leading tokens of a prompt that are in its prefix cache. To ask changes nothing. */
  cachedTokens(prompt: Prompt): number;
}

/**
 * Decides where a request goes: the position of an instance, of any role; `hold`: it waits at the cluster and is
 * offered again when something has changed; `reject`: it is refused, which only one that arrives can be. May keep
 * state.
 */
export type Router = (request: RoutedRequest, instances: readonly InstanceView[]) => number | 'hold' | 'reject';

export interface RouterPreset {
  readonly about: string;
  create(): Router;
}

/** Every router, by the value of `router`. They go by roles, and hold a request while no instance has its role. */
export const ROUTERS = {
  'round-robin': { about: 'one after the other', create: roundRobin },
  'least-requests': {
    about: 'fewest requests waiting or running',
    create: () => among((instances) => least(instances, (instance) => instance.requests())),
  },
  'least-tokens': {
    about: 'fewest tokens, prompts and outputs of all requests there',
    create: () => among((instances) => least(instances, (instance) => instance.tokens())),
  },
} as const satisfies Record<string, RouterPreset>;

export type RouterName = keyof typeof ROUTERS;

function roundRobin(): Router {
  let next = 0;
  return among((instances) => next++ % instances.length);
}

/** Ties go to the first. */
function least(instances: readonly InstanceView[], measure: (instance: InstanceView) => number): number {
  let best = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [i, instance] of instances.entries()) {
    const size = measure(instance);
    if (size >= smallest) continue;
    smallest = size;
    best = i;
  }
  return best;
}

/** A router that picks among the instances whose role serves the stage of the request. */
function among(pick: (instances: readonly InstanceView[]) => number): Router {
  return ({ stage }, instances) => {
    if (instances.every(({ role }) => serves(role, stage))) return pick(instances);
    const able = instances.filter(({ role }) => serves(role, stage));
    const picked = able.length === 0 ? undefined : able[pick(able)];
    return picked === undefined ? 'hold' : instances.indexOf(picked);
  };
}
