import { Cluster } from '../cluster/cluster.ts';
import type { KvTransfers } from '../cluster/kv-receiver.ts';
import { pdEndpoints } from '../cluster/pd-endpoints.ts';
import { ROUTERS, type RouterName } from '../cluster/routers.ts';
import type { Engine } from '../engine.ts';
import { equalMembers, type EqualMembers } from './members.ts';
import type { OptionReader } from './option-reader.ts';
import type { EngineContext } from './system.ts';

/** Equal instances of one role, and their router. */
export interface RoleParts extends Omit<EqualMembers, 'role' | 'name'> {
  readonly router: RouterName;
}

export interface DisaggregatedParts {
  readonly maxModelLen: number;
  readonly prefill: RoleParts;
  readonly decode: RoleParts;
  /** Null: KV memory arrives at once. */
  readonly transfers: KvTransfers | null;
  /** As in `ClusterParts`. */
  readonly repeatsFirstToken: boolean;
  /**
   * Set if each pool has its own endpoint: how long a prompt is held to be fetched. The first token is then computed a
   * second time, because the one of the prefill goes to the caller of the prefill.
   */
  readonly holdUs?: number;
}

/** An engine of prefill instances and decode instances, with KV memory moving between them. */
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

/** The routers of the two roles. */
export function readRouters(
  given: OptionReader,
  fallback: { readonly prefill: RouterName; readonly decode: RouterName },
  source: string,
): { readonly 'prefill.router': RouterName; readonly 'decode.router': RouterName } {
  const read = (role: keyof typeof fallback): RouterName =>
    given.name(`${role}.router`, ROUTERS, {
      fallback: fallback[role],
      about: `who picks the instance that is to ${role}`,
      source,
    });
  return { 'prefill.router': read('prefill'), 'decode.router': read('decode') };
}
