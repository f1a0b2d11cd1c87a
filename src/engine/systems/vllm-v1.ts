import { UserError } from '../../core/errors.ts';
import type { HostOverhead } from '../cost/host-overhead.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { vllmV1 as vllmV1Policy, type VllmV1Options as VllmV1PolicyOptions } from '../policies/vllm-v1.ts';
import { readTokenBudget, type BatchLimits } from './batch-limits.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment } from './deployment.ts';
import type { OptionReader } from './option-reader.ts';
import { blockMemory, readPrefixCaching, type PrefixCaching } from './prefix-caching.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import { LOGS, type System } from './system.ts';
import { aheadOf, readVersion, versionMemory, VLLM_VERSIONS, type Versioned } from './vllm-versions.ts';

/**
 * Scheduling, preparing inputs and detokenising, an estimate: where the GPU waits for it (`async=off`) one request of
 * llama-3.1-8b decodes at 6.7 ms a token on H100, as reported for vLLM v1 of that time. Systems of 2023 took 25-35 ms
 * (Splitwise's measurements). With `async=on` the same work is done beside the GPU's, which is what it is for (vLLM,
 * docs of `--async-scheduling`): it counts only where it takes longer than the GPU does.
 */
export const VLLM_V1_HOST: HostOverhead = { hostFixedUs: 1200, hostPerSequenceUs: 8 };

/** vLLM takes larger defaults on devices of at least 70 GiB that are not A100s, and from 160 GiB on. */
const LARGE_MEMORY_BYTES = 70 * 1024 ** 3;
const LARGEST_MEMORY_BYTES = 160 * 1024 ** 3;

type VllmV1Options = Versioned & Deployment & Replicas & PrefixCaching & BatchLimits;

/** vLLM v1: chunked prefill under one token budget, preemption by recomputation, prefixes shared block by block. */
export const vllmV1: System = collocated({
  cites:
    'vLLM v1 scheduler, loop and prefix caching, vllm/v1/core/{sched/scheduler,sched/async_scheduler,kv_cache_manager,' +
    'block_pool}.py and vllm/v1/engine/core.py; defaults of vllm/engine/arg_utils.py',
  equals:
    'vLLM 0.32 with version=0.32, async=on and off; vLLM 0.8.5 and 0.10.2 with version=0.10,async=off: iteration by ' +
    `iteration, their scheduler classes run without a model${LOGS}. Not compared: pp above 1`,
  options: read,
  memory: (options) => blockMemory(options, VLLM_VERSIONS[options.version].freesToHead),
  policy: (options) => vllmV1Policy(policyOptions(options, options.pp)),
  ahead: (options) => aheadOf(options, options.pp),
});

function read(given: OptionReader): VllmV1Options {
  const version = readVersion(given);
  const deployment = readDeployment(given, { ...VLLM_V1_HOST, memory: versionMemory(version) });
  return {
    ...version,
    ...deployment,
    ...readReplicas(given),
    ...readPrefixCaching(given),
    ...readVllmV1Limits(given, version, deployment.gpu),
  };
}

/** Of an instance with `stages` pipeline stages. */
export function policyOptions(
  { version, token_budget: tokenBudget, max_seqs: maxSeqs }: Versioned & BatchLimits,
  stages: number,
): VllmV1PolicyOptions {
  const { wholeMustFit } = VLLM_VERSIONS[version];
  return { tokenBudget, maxSeqs, reservePrompts: stages > 1, wholeMustFit };
}

export function readVllmV1Limits(given: OptionReader, { version }: Versioned, gpu: GpuName): BatchLimits {
  const { memoryBytes } = GPUS[gpu];
  const large = memoryBytes >= LARGE_MEMORY_BYTES && !gpu.startsWith('a100');
  const { largestBudget } = VLLM_VERSIONS[version];
  const token_budget = readTokenBudget(given, {
    fallback: memoryBytes >= LARGEST_MEMORY_BYTES ? largestBudget : large ? 8192 : 2048,
    about: 'tokens that an iteration computes at most',
    source: `vLLM ${version}, max_num_batched_tokens (8192 from 70 GiB of memory on, but not on A100; ${largestBudget} from 160 GiB on)`,
  });
  return {
    token_budget,
    max_seqs: readMaxSeqs(given, large ? 1024 : 256, token_budget),
  };
}

function readMaxSeqs(given: OptionReader, usual: number, tokenBudget: number): number {
  const maxSeqs = given.integer('max_seqs', {
    min: 1,
    max: 65536,
    fallback: Math.min(usual, tokenBudget),
    about: 'requests that run at a time; no more than token_budget, for each may need a token of it',
    source: 'vLLM, max_num_seqs (larger from 70 GiB of memory on, but not on A100; token_budget where that is less)',
  });
  if (maxSeqs <= tokenBudget) return maxSeqs;
  throw new UserError(
    `reference engine: max_seqs=${maxSeqs} is above token_budget=${tokenBudget}, and each request may need a token of ` +
      `it; give max_seqs=${tokenBudget} or less, or a larger token_budget`,
  );
}
