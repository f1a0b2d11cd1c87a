import type { AheadRules } from '../instance/instance.ts';
import { readAsync, type Async } from './async.ts';
import { VLLM_MEMORY, type MemoryLayout } from './deployment.ts';
import type { OptionReader } from './option-reader.ts';

/** What differs between versions of vLLM v1: all of it, each with where it is in vLLM. */
interface VllmVersion {
  /** engine/core.py, `step_with_batch_queue`: config/vllm.py takes it by default since 0.14 (pull request 27614). */
  readonly async: Async;
  /** config/scheduler.py, `scheduler_reserve_full_isl`: since pull request 37307, on by default. */
  readonly wholeMustFit: boolean;
  /** v1/core/block_pool.py, `free_blocks`: blocks without a hash are reused first, since pull request 42656. */
  readonly freesToHead: boolean;
  /** config/cache.py, `gpu_memory_utilization`. */
  readonly memoryFraction: number;
  /** engine/arg_utils.py, `get_batch_defaults`: `max_num_batched_tokens` of the API server from 160 GiB on. */
  readonly largestBudget: number;
}

export const VLLM_VERSIONS = {
  '0.32': { async: 'on', wholeMustFit: true, freesToHead: true, memoryFraction: 0.92, largestBudget: 16_384 },
  '0.10': { async: 'off', wholeMustFit: false, freesToHead: false, memoryFraction: 0.9, largestBudget: 8192 },
} as const satisfies Record<string, VllmVersion>;

export type Versioned = { readonly version: keyof typeof VLLM_VERSIONS; readonly async: Async };

/** AsyncScheduler (v1/core/sched/async_scheduler.py): a preempted request still gets the token that is in flight. */
const ASYNC: AheadRules = { deliversAfterPreemption: true, keepsOverrun: false };

export function readVersion(given: OptionReader): Versioned {
  const version = given.name('version', VLLM_VERSIONS, {
    fallback: '0.32',
    about: 'the release whose scheduler and defaults this is; 0.10 acts as 0.8.5 to 0.10.2',
    source: 'systems/vllm-versions.ts has what differs',
  });
  return {
    version,
    async: readAsync(
      given,
      VLLM_VERSIONS[version].async,
      'vLLM, --async-scheduling: the default since 0.14; in 0.10 an experiment, which was not compared with ours. ' +
        'v1/executor/multiproc_executor.py, max_concurrent_batches: 2, or as many as stages',
    ),
  };
}

/** The memory layout of a version. */
export function versionMemory({ version }: Versioned): MemoryLayout {
  const { memoryFraction } = VLLM_VERSIONS[version];
  return {
    ...VLLM_MEMORY,
    fraction: { fallback: () => memoryFraction, source: `vLLM ${version}, gpu_memory_utilization` },
  };
}

/** The rules of batches that are decided ahead; undefined: none is. */
export function aheadOf({ async }: Versioned, stages: number): AheadRules | undefined {
  return async === 'on' && stages === 1 ? ASYNC : undefined;
}
