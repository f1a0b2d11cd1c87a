import type { Affinity, Group, PhaseName, Shape } from '../../schema/placement.ts';

/** GPUs to place a model on. */
export interface Cluster {
  readonly gpus: number;
  readonly gpusPerNode: number;
  readonly affinity: Affinity;
}

/** Larger units are not searched: beyond this size copies do nearly as well. */
const UNIT_NODES = 4;

export function gpusOf(groups: readonly (Shape & { readonly instances?: number })[]): number {
  return groups.reduce((sum, { instances = 1, tp, pp }) => sum + instances * tp * pp, 0);
}

/**
 * Every unit of n prefill and m decode instances that the cluster holds.
 * High affinity (DistServe's Algorithm 1): any GPUs, tensor parallelism inside a node. Low affinity (its Algorithm 2):
 * the stages are cut into segments of one node each, which hold the same stages of prefill and decode, so that KV never
 * crosses nodes. The paper's units have one prefill and one decode instance; inside a node the distance between any two
 * instances is the same, so here a unit may have several of each.
 */
export function disaggregatedUnits(shapes: Readonly<Record<PhaseName, readonly Shape[]>>, cluster: Cluster): Group[][] {
  const units: Group[][] = [];
  for (const prefill of shapes.prefill)
    for (const decode of shapes.decode) {
      const most = mostGpus([prefill, decode], cluster);
      for (let n = 1; n * gpusOf([prefill]) < most; n++)
        for (let m = 1; n * gpusOf([prefill]) + m * gpusOf([decode]) <= most; m++) {
          const unit: Group[] = [
            { role: 'prefill', instances: n, ...prefill },
            { role: 'decode', instances: m, ...decode },
          ];
          if (copiesOf(unit, cluster) > 0) units.push(unit);
        }
    }
  return units;
}

/** Every unit of instances that do both phases; with low affinity a unit stays in as few nodes as its stages allow. */
export function collocatedUnits(shapes: readonly Shape[], cluster: Cluster): Group[][] {
  const units: Group[][] = [];
  for (const shape of shapes)
    for (let instances = 1; instances * gpusOf([shape]) <= mostGpus([shape], cluster); instances++) {
      const unit: Group[] = [{ role: 'both', instances, ...shape }];
      if (copiesOf(unit, cluster) > 0) units.push(unit);
    }
  return units;
}

/** GPUs that a unit of these shapes may have. */
function mostGpus(shapes: readonly Shape[], { gpus, gpusPerNode, affinity }: Cluster): number {
  if (affinity === 'high') return Math.min(gpus, UNIT_NODES * gpusPerNode);
  const segments = Math.min(...shapes.map(({ pp }) => pp), Math.max(1, Math.floor(gpus / gpusPerNode)));
  return Math.min(gpus, segments * gpusPerNode);
}

/** Number of such units that the cluster holds at a time. */
export function copiesOf(unit: readonly Group[], { gpus, gpusPerNode, affinity }: Cluster): number {
  if (unit.some(({ tp }) => tp > gpusPerNode)) return 0;
  if (affinity === 'high') return Math.floor(gpus / gpusOf(unit));
  const nodes = Math.floor(gpus / gpusPerNode);
  let most = 0;
  for (let segments = 1; segments <= Math.max(1, nodes); segments++) {
    if (unit.some(({ pp }) => pp % segments !== 0)) continue;
    const share = gpusOf(unit) / segments;
    const inWholeNodes = Math.floor(nodes / segments) * Math.floor(gpusPerNode / share);
    const inTheRest = segments === 1 ? Math.floor((gpus % gpusPerNode) / share) : 0;
    most = Math.max(most, inWholeNodes + inTheRest);
  }
  return most;
}

/** The engine options of a unit, to append to those of the system. */
export function unitOptions(unit: readonly Group[]): string {
  return unit
    .map(({ role, instances, tp, pp }) =>
      role === 'both'
        ? `instances=${instances},tp=${tp},pp=${pp}`
        : `${role}=${instances},${role}.tp=${tp},${role}.pp=${pp}`,
    )
    .join(',');
}
