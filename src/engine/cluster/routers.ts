/** An instance as routers see it. */
export interface InstanceView {
  /** Requests that wait or run there. */
  requests(): number;
  /** Tokens of theirs that are there: whole prompts, and what was generated. */
  tokens(): number;
}

/** Picks the instance, by position, that the next request goes to. May keep state. */
export type Router = (instances: readonly InstanceView[]) => number;

export interface RouterPreset {
  readonly about: string;
  create(): Router;
}

/** Every router, by the value of `router`. Ties go to the first. */
export const ROUTERS = {
  'round-robin': { about: 'one after the other', create: roundRobin },
  'least-requests': {
    about: 'fewest requests waiting or running',
    create: () => (instances) => least(instances, (instance) => instance.requests()),
  },
  'least-tokens': {
    about: 'fewest tokens, prompts and outputs of all requests there',
    create: () => (instances) => least(instances, (instance) => instance.tokens()),
  },
} as const satisfies Record<string, RouterPreset>;

export type RouterName = keyof typeof ROUTERS;

function roundRobin(): Router {
  let next = 0;
  return (instances) => next++ % instances.length;
}

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
