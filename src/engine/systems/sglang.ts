import type { HostOverhead } from '../cost/host-overhead.ts';
import { RadixCache } from '../kv/radix-cache.ts';
import { sglang as sglangPolicy } from '../policies/sglang.ts';
import { readAsync } from './async.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment, type MemoryLayout } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import { SGLANG_VERSIONS } from './sglang-versions.ts';
import { LOGS, type System } from './system.ts';

/**
 * CPU work of an iteration: in SGLang's pull request 5608 a step of 16 requests (llama-3.1-8b, tp=4) took 5.24 ms, and
 * 4.63 ms with this work overlapped. For one GPU the post on its version 0.4 says 1.1 times the throughput.
 */
export const SGLANG_HOST: HostOverhead = { hostFixedUs: 500, hostPerSequenceUs: 2 };

const SCHEDULE_POLICIES = { fcfs: {}, lpm: {} };
const SWITCH = { on: {}, off: {} };

/** SGLang has no reserve besides its fraction. */
const RESERVE_BYTES = 0;

type SglangOptions = Deployment & Replicas & ReturnType<typeof readScheduler> & ReturnType<typeof readVersion>;
type VersionName = keyof typeof SGLANG_VERSIONS;

/** SGLang: prompts first and alone, prefixes shared in a radix tree, outputs expected to be shorter than allowed. */
export const sglang: System = collocated({
  cites:
    'SGLang 0.5.23 (read, not run) and 0.4.4.post1, srt/managers/{scheduler,schedule_policy,schedule_batch}.py and ' +
    'srt/mem_cache, pages of one token; RadixAttention: SGLang (NeurIPS 2024). Mixed chunks are off',
  equals:
    'version=0.4: SGLang 0.4.4.post1, iteration by iteration, async=off its loop of --disable-overlap-schedule, async=on ' +
    `its default, page size 1${LOGS}; version=0.5 follows 0.5.23 as read, not run`,
  options: read,
  memory: (options) => new RadixCache(kvBlocks(options, RESERVE_BYTES)),
  ahead: ({ version, async, pp }) => (async === 'on' && pp === 1 ? SGLANG_VERSIONS[version].ahead : undefined),
  policy: (options) =>
    sglangPolicy({
      rules: SGLANG_VERSIONS[options.version].rules,
      schedulePolicy: options.schedule_policy,
      lpmLimit: options.lpm_limit,
      conservativeness: options.schedule_conservativeness,
      maxPrefillTokens: options.max_prefill_tokens,
      chunkTokens: options.chunked_prefill_size,
      maxRunning: options.max_running_requests,
      ignoresEos: options.ignore_eos === 'on',
    }),
});

function read(given: OptionReader): SglangOptions {
  const versioned = readVersion(given);
  const { memoryFraction } = SGLANG_VERSIONS[versioned.version];
  const memory: MemoryLayout = {
    blockTokens: { fallback: 1, max: 1, source: 'SGLang, page_size: its radix tree goes by the token' },
    fraction: {
      fallback: memoryFraction,
      source: 'SGLang, mem_fraction_static: weights and KV, nothing else; less the more GPUs share the model',
    },
    reserveBytes: RESERVE_BYTES,
  };
  const deployment = readDeployment(given, { ...SGLANG_HOST, memory });
  return {
    ...versioned,
    ...deployment,
    ...readReplicas(given),
    ...readScheduler(given, deployment, versioned.version),
  };
}

function readVersion(given: OptionReader) {
  return {
    version: given.name('version', SGLANG_VERSIONS, {
      fallback: '0.5',
      about: 'the release whose scheduler and defaults this is: 0.5.23 (read, not run), or 0.4.4.post1',
      source: 'systems/sglang-versions.ts has what differs',
    }),
    async: readAsync(
      given,
      'on',
      'SGLang, event_loop_overlap; off is --disable-overlap-schedule. With pp above 1 it runs event_loop_pp',
    ),
  };
}

function readScheduler(given: OptionReader, deployment: Deployment, version: VersionName) {
  const { gpu, max_model_len } = deployment;
  const kvTokens = kvBlocks(deployment, RESERVE_BYTES);
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
      fallback: SGLANG_VERSIONS[version].chunkTokens(gpu),
      about: 'prompt tokens of an iteration at which a prompt is cut',
      source: 'SGLang, chunked_prefill_size (by the memory of the GPU)',
    }),
    max_running_requests: given.integer('max_running_requests', {
      min: 1,
      max: 65536,
      fallback: maxRunning(kvTokens, max_model_len),
      about: 'requests that run at a time',
      source: 'SGLang, resolve_max_num_reqs: 512 contexts’ worth, from 2048 to 4096; half the KV tokens at most',
    }),
    ignore_eos: given.name('ignore_eos', SWITCH, {
      fallback: 'on',
      about: 'whether requests are sent with it, as a replay sends them: 0.5 then reserves all of their output',
      source: 'SGLang 0.5, PrefillAdder; 0.4 does not look at it',
    }),
  };
}

function maxRunning(kvTokens: number, contextTokens: number): number {
  const slots = Math.min(Math.max(Math.floor((kvTokens / contextTokens) * 512), 2048), 4096);
  return Math.max(1, Math.min(slots, Math.floor(kvTokens / 2)));
}
