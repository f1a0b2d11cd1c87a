import type { HostOverhead } from '../cost/host-overhead.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { vllmV1 as vllmV1Policy } from '../policies/vllm-v1.ts';
import { readBatchLimits, type BatchLimits } from './batch-limits.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment } from './deployment.ts';
import type { OptionReader } from './option-reader.ts';
import { blockMemory, readPrefixCaching, type PrefixCaching } from './prefix-caching.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import type { System } from './system.ts';

/**
 * Scheduling and detokenising that the GPU waits for, an estimate: with it one request of llama-3.1-8b decodes at 6.7
 * ms a token on H100, as reported for vLLM v1. Systems of 2023 took 25-35 ms (Splitwise's measurements).
 */
export const VLLM_V1_HOST: HostOverhead = { hostFixedUs: 1200, hostPerSequenceUs: 8 };

/** vLLM takes its larger defaults on devices of at least 70 GiB that are not A100s. */
const LARGE_MEMORY_BYTES = 70 * 1024 ** 3;
const LARGE_DEFAULTS = '(larger from 70 GiB of memory on, but not on A100)';

type VllmV1Options = Deployment & Replicas & PrefixCaching & BatchLimits;

/** vLLM v1: chunked prefill under one token budget, preemption by recomputation, prefixes shared block by block. */
export const vllmV1: System = collocated({
  cites:
    'vLLM v1 scheduler and prefix caching, vllm/v1/core/{sched/scheduler,kv_cache_manager,block_pool}.py; defaults of vllm/engine/arg_utils.py',
  options: read,
  memory: blockMemory,
  policy: ({ token_budget: tokenBudget, max_seqs: maxSeqs, pp }) =>
    vllmV1Policy({ tokenBudget, maxSeqs, reservePrompts: pp > 1 }),
});

function read(given: OptionReader): VllmV1Options {
  const deployment = readDeployment(given, VLLM_V1_HOST);
  return {
    ...deployment,
    ...readReplicas(given),
    ...readPrefixCaching(given),
    ...readVllmV1Limits(given, deployment.gpu),
  };
}

export function readVllmV1Limits(given: OptionReader, gpu: GpuName): BatchLimits {
  const large = isLarge(gpu);
  return readBatchLimits(
    given,
    {
      fallback: large ? 8192 : 2048,
      about: 'tokens that an iteration computes at most',
      source: `vLLM, max_num_batched_tokens ${LARGE_DEFAULTS}`,
    },
    { fallback: large ? 1024 : 256, source: `vLLM, max_num_seqs ${LARGE_DEFAULTS}` },
  );
}

function isLarge(gpu: GpuName): boolean {
  return GPUS[gpu].memoryBytes >= LARGE_MEMORY_BYTES && !gpu.startsWith('a100');
}
