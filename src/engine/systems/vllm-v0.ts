import type { HostOverhead } from '../cost/host-overhead.ts';
import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { vllmV0 as vllmV0Policy } from '../policies/vllm-v0.ts';
import { readBatchLimits, type BatchLimits } from './batch-limits.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import { LOGS, type System } from './system.ts';

/**
 * Host overhead of vLLM up to 0.5 and of systems built on it, an estimate within a factor of about 1.5: vLLM's own
 * profile of 0.5.3 (llama-3-8b on H100, under load) has 38 % of the time on the GPU and 29 % in scheduling and
 * preparing inputs, the API server not counted. At 100 sequences this is 7 ms beside 9 ms on the GPU.
 */
export const VLLM_V0_HOST: HostOverhead = { hostFixedUs: 3000, hostPerSequenceUs: 40 };

type VllmV0Options = Deployment & Replicas & BatchLimits;

/** vLLM v0: whole prompts first, preemption by recomputation. */
export const vllmV0: System = collocated({
  cites:
    'vLLM up to 0.5, vllm/core/scheduler.py with its block manager, as Vidur emulates it; the baseline of DistServe, ' +
    'Splitwise and Llumnix. Chunked prefill and prefix caching are off; nothing is swapped',
  equals:
    'vLLM 0.6.6 with its v0 scheduler, iteration by iteration, chunked prefill and asynchronous output processing off' +
    LOGS,
  options: read,
  memory: (options) => new CountingBlockPool(kvBlocks(options), options.block_tokens),
  policy: (options) => vllmV0Policy({ tokenBudget: options.token_budget, maxSeqs: options.max_seqs }),
});

function read(given: OptionReader): VllmV0Options {
  const deployment = readDeployment(given, VLLM_V0_HOST);
  return {
    ...deployment,
    ...readReplicas(given),
    ...readBatchLimits(
      given,
      {
        min: deployment.max_model_len,
        fallback: Math.max(deployment.max_model_len, 2048),
        about: 'prompt tokens that an iteration computes at most; no less than max_model_len, for prompts are not cut',
        source: 'vLLM 0.2 to 0.5, max_num_batched_tokens: max(max_model_len, 2048)',
      },
      { fallback: 256, source: 'vLLM, max_num_seqs' },
    ),
  };
}
