import type { HostOverhead } from '../cost/host-overhead.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { RadixCache } from '../kv/radix-cache.ts';
import { sglang as sglangPolicy } from '../policies/sglang.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment, type MemoryLayout } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import { LOGS, type System } from './system.ts';

/** Its scheduler runs beside the GPU: launches and reading tokens back remain. An estimate. */
const HOST: HostOverhead = { hostFixedUs: 500, hostPerSequenceUs: 2 };

const MEMORY: MemoryLayout = {
  blockTokens: { fallback: 1, max: 1, source: 'SGLang, page_size: its radix tree goes by the token' },
  fraction: {
    fallback: staticFraction,
    source: 'SGLang, mem_fraction_static: weights and KV, nothing else; less from tp=2 on',
  },
  reserveBytes: 0,
};

const SCHEDULE_POLICIES = { fcfs: {}, lpm: {} };

/** SGLang takes small chunks on devices of less than 25,000 MB. */
const SMALL_MEMORY_BYTES = 25_000 * 1024 ** 2;

type SglangOptions = Deployment & Replicas & ReturnType<typeof readScheduler>;

/** SGLang: prompts first and alone, prefixes shared in a radix tree, outputs expected to be shorter than allowed. */
export const sglang: System = collocated({
  cites:
    'SGLang v0.4.4, srt/managers/{scheduler,schedule_policy,schedule_batch}.py, srt/mem_cache/radix_cache.py, ' +
    'defaults of srt/server_args.py; RadixAttention: SGLang (NeurIPS 2024). Mixed chunks are off',
  equals: `SGLang 0.4.4.post1${LOGS}`,
  options: read,
  memory: (options) => new RadixCache(kvBlocks(options, MEMORY.reserveBytes)),
  policy: (options) =>
    sglangPolicy({
      schedulePolicy: options.schedule_policy,
      lpmLimit: options.lpm_limit,
      conservativeness: options.schedule_conservativeness,
      maxPrefillTokens: options.max_prefill_tokens,
      chunkTokens: options.chunked_prefill_size,
      maxRunning: options.max_running_requests,
    }),
});

function read(given: OptionReader): SglangOptions {
  const deployment = readDeployment(given, { ...HOST, memory: MEMORY });
  return { ...deployment, ...readReplicas(given), ...readScheduler(given, deployment) };
}

function readScheduler(given: OptionReader, deployment: Deployment) {
  const { gpu, max_model_len } = deployment;
  const kvTokens = kvBlocks(deployment, MEMORY.reserveBytes);
  return {
    schedule_policy: given.name('schedule_policy', SCHEDULE_POLICIES, {
      fallback: 'fcfs',
      about: 'who is admitted first: as they came, or the longest prefix match',
      source: 'SGLang, schedule_policy; lpm in earlier versions and in the paper',
    }),
    lpm_limit: given.integer('lpm_limit', {
      min: 0,
      max: 2 ** 30,
      fallback: 128,
      about: 'with more waiting than this, lpm leaves them as they stand',
      source: 'SGLang, schedule_policy.py, a constant there',
    }),
    schedule_conservativeness: given.fraction('schedule_conservativeness', {
      above: 0,
      max: 100,
      fallback: 1,
      about: 'factor on the share of their output that running requests are taken to need: 0.7 at first, at most 1',
      source: 'SGLang, schedule_conservativeness',
    }),
    max_prefill_tokens: given.integer('max_prefill_tokens', {
      min: 1,
      max: 2 ** 20,
      fallback: 16384,
      about: 'prompt tokens of an iteration, unless one prompt alone has more',
      source: 'SGLang, max_prefill_tokens',
    }),
    chunked_prefill_size: given.integer('chunked_prefill_size', {
      min: 1,
      max: 2 ** 20,
      fallback: isSmall(gpu) ? 2048 : 8192,
      about: 'prompt tokens of an iteration at which a prompt is cut',
      source: 'SGLang, chunked_prefill_size (2048 below 25 GB of memory)',
    }),
    max_running_requests: given.integer('max_running_requests', {
      min: 1,
      max: 65536,
      fallback: maxRunning(kvTokens, max_model_len),
      about: 'requests that run at a time',
      source: 'SGLang, model_runner.py: 512 contexts’ worth, from 2048 to 4096; half the KV tokens at most',
    }),
  };
}

/** The reserve for activations grows with the degree. */
function staticFraction(tp: number): number {
  if (tp >= 8) return 0.81;
  if (tp >= 4) return 0.85;
  return tp >= 2 ? 0.87 : 0.88;
}

function maxRunning(kvTokens: number, contextTokens: number): number {
  const slots = Math.min(Math.max(Math.floor((kvTokens / contextTokens) * 512), 2048), 4096);
  return Math.max(1, Math.min(slots, Math.floor(kvTokens / 2)));
}

function isSmall(gpu: GpuName): boolean {
  return GPUS[gpu].memoryBytes < SMALL_MEMORY_BYTES;
}
