import type { Codec } from '../src/core/codec.ts';
import { randomStream } from '../src/core/random.ts';
import type { Request } from '../src/core/request.ts';
import type { RouterName } from './codec-options.ts';

/** Picks one of several replicas for a request; `position` as in `Codec.open`. */
export type Pick<T> = (request: Request, position?: number) => T;

/**
 * Picks when a request is made, ahead of its due time: what the replicas are doing then is not known. `session`: requests
 * without one go to each in turn.
 */
export function picker<T>(router: RouterName, replicas: readonly T[]): Pick<T> {
  let turn = 0;
  return ({ session }, position) => {
    const isSticky = router === 'session' && session !== undefined;
    const number = isSticky ? randomStream(0, 'router', session)() : (position ?? turn++);
    const replica = replicas[number % replicas.length];
    if (replica === undefined) throw new Error('there is no replica to pick');
    return replica;
  };
}

/** A codec over replicas that each serve requests whole. */
export function overReplicas(codec: Codec, router: RouterName, endpoints: readonly number[]): Codec {
  const pick = picker(router, endpoints);
  return {
    ...codec,
    open(request, position) {
      const endpoint = pick(request, position);
      return codec.open(request, position).map((call) => ({ ...call, endpoint }));
    },
  };
}
