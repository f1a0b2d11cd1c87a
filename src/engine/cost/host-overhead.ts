import type { SharedCostModel } from './cost-model.ts';

/** CPU time that the GPU waits for: per iteration, and per sequence in it; microseconds. */
export interface HostOverhead {
  readonly hostFixedUs: number;
  readonly hostPerSequenceUs: number;
}

/** `cost` plus the host's overhead; without any, `cost` itself. */
export function addHostOverhead(cost: SharedCostModel, overhead: HostOverhead): SharedCostModel {
  const { hostFixedUs, hostPerSequenceUs } = overhead;
  if (hostFixedUs === 0 && hostPerSequenceUs === 0) return cost;
  return {
    timeUs: (batch, share) => cost.timeUs(batch, share) + hostFixedUs + hostPerSequenceUs * batch.sequences,
    demand: (batch) => cost.demand(batch),
  };
}
