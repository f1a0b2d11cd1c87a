import type { Gpu } from '../hardware/gpus.ts';
import type { CostModel } from './cost-model.ts';

/** Share of PCIe's peak that large copies to and from pinned memory reach: an estimate within 15 %. */
const PCIE_EFFICIENCY = 0.8;

/** Time to copy `bytes` between a GPU and the host's memory. */
export function copyUs({ pcieBytesPerS }: Gpu, bytes: number): number {
  return (bytes * 1e6) / (pcieBytesPerS * PCIE_EFFICIENCY);
}

/** `cost` plus the wait for KV blocks that are copied to host memory and back before an iteration. */
export function withSwapping(cost: CostModel, blockUs: number): CostModel {
  return { timeUs: (batch, share) => cost.timeUs(batch, share) + batch.swappedBlocks * blockUs };
}
