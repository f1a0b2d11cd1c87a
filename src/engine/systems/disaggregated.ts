import { Cluster } from '../cluster/cluster.ts';
import type { KvTransfers } from '../cluster/kv-receiver.ts';
import { pdEndpoints } from '../cluster/pd-endpoints.ts';
import { ROUTERS, type RouterName } from '../cluster/routers.ts';
import type { Engine } from '../engine.ts';
import { equalMembers, type EqualMembers } from './members.ts';
import type { OptionReader } from './option-reader.ts';
import type { EngineContext } from './system.ts';

/** Equal instances of one role, and the router that picks one of them. */
export interface RoleParts extends Omit<EqualMembers, 'role' | 'name'> {
  readonly router: RouterName;
}

export interface DisaggregatedParts {
  readonly maxModelLen: number;
  readonly prefill: RoleParts;
  readonly decode: RoleParts;
  /** Null: what was computed is there at once. */
  readonly transfers: KvTransfers | null;
  /** As in `ClusterParts`. */
  readonly repeatsFirstToken: boolean;
  /**
   * Given where the two roles have endpoints of their own: how long a prompt is held to be fetched. The first token is
   * repeated then, for the one that comes with the prompt goes to the client that asked for the prompt.
   */
  readonly holdUs?: number;
}

/** An engine of instances that compute prompts and instances that decode, with KV memory moving between them. */
export function disaggregated(context: EngineContext, parts: DisaggregatedParts): Engine {
  const { clock } = context;
  const { maxModelLen, prefill, decode, transfers, repeatsFirstToken, holdUs } = parts;
  const routers = { prefill: ROUTERS[prefill.router].create(), decode: ROUTERS[decode.router].create() };
  const members = (['prefill', 'decode'] as const).flatMap((role) =>
    equalMembers(context, { ...parts[role], role, name: (i) => `${role}-${i}` }),
  );
  const cluster = new Cluster({
    clock,
    maxModelLen,
    members,
    router: (request, instances) => routers[request.stage](request, instances),
    transfers: transfers ?? undefined,
    repeatsFirstToken,
  });
  const engine = cluster.engine();
  return holdUs === undefined ? engine : { ...engine, pd: pdEndpoints(cluster, clock, holdUs) };
}

/** The routers that pick the instances of each role. */
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
