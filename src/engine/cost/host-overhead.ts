import type { Batch } from './batch.ts';
import type { SharedCostModel } from './cost-model.ts';

/** CPU time of an iteration: per iteration, and per sequence in it; microseconds. */
export interface HostOverhead {
  readonly hostFixedUs: number;
  readonly hostPerSequenceUs: number;
}

/**
 * Time of an iteration that takes the GPU `gpuUs`: the GPU waits for the host's work, unless it was done ahead, beside
 * the batch before. Then, in a row of such batches, each takes as long as the slower of the two.
 */
export function withHost(gpuUs: number, batch: Batch, { hostFixedUs, hostPerSequenceUs }: HostOverhead): number {
  const hostUs = hostFixedUs + hostPerSequenceUs * batch.sequences;
  return batch.isAhead ? Math.max(gpuUs, hostUs) : gpuUs + hostUs;
}

/** `cost` with the host's overhead; without any, `cost` itself. */
export function addHostOverhead(cost: SharedCostModel, host: HostOverhead): SharedCostModel {
  if (host.hostFixedUs === 0 && host.hostPerSequenceUs === 0) return cost;
  return {
    timeUs: (batch, share) => withHost(cost.timeUs(batch, share), batch, host),
    demand: (batch) => cost.demand(batch),
  };
}
