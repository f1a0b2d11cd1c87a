import { GPUS, type GpuName } from '../hardware/gpus.ts';
import type { AheadRules } from '../instance/instance.ts';
import type { SglangRules } from '../policies/sglang-rules.ts';

/** The GPUs of an instance, as the defaults of its memory go by them. */
interface InstanceShape {
  readonly gpu: GpuName;
  readonly tp: number;
  readonly pp: number;
}

/** What differs between two versions of SGLang. */
interface SglangVersion {
  readonly rules: SglangRules;
  /**
   * srt/managers/scheduler.py, `event_loop_overlap`, and the processing of results: the token in flight of a retracted
   * request is thrown away (`is_retracted`); the token after the last of a request is freed with the results of its
   * batch (0.4) or with the others (0.5, `release_kv_cache`).
   */
  readonly ahead: AheadRules;
  /** Default of `chunked_prefill_size`, tokens. */
  readonly chunkTokens: (gpu: GpuName) => number;
  /** Default of `mem_fraction_static`: weights and KV, as a share of the GPU's memory. */
  readonly memoryFraction: (shape: InstanceShape) => number;
}

/**
 * The rules are those of srt/managers/{scheduler,schedule_policy,schedule_batch}.py and srt/mem_cache, the defaults of
 * srt/server_args.py (0.4) and srt/arg_groups/memory_hook.py (0.5).
 */
export const SGLANG_VERSIONS = {
  /** 0.5.23: read, not run. */
  '0.5': {
    ahead: { deliversAfterPreemption: false, keepsOverrun: false },
    rules: {
      // Scheduler.get_next_batch_to_run
      endedLeaveFirst: true,
      // evict_to_free_tokens
      evictsAll: false,
      // Scheduler._get_new_batch_prefill_raw, PrefillAdder._select_prefill_admission
      budgetFirst: true,
      // PrefillAdder.per_req_token_overhead, PrefillBudget.reserve
      spareTokens: 1,
      // PrefillAdder._get_running_request_total_token_offset
      heedsIgnoreEos: true,
      // PrefillAdder.add_one_req
      countsGenerated: true,
      // PrefillBudget.available_chunk_tokens
      chunksFitMemory: true,
      // ScheduleBatch.retract_decode
      retractSteps: 1,
      // NewTokenRatioTracker.estimate_new_token_ratio_after_retract
      estimateSpare: 1,
      // Scheduler.on_idle
      resetsWithWaiting: false,
      // Scheduler._get_new_batch_prefill_raw
      looksUpAgain: true,
      // SchedulePolicy._touch_waiting_prefixes
      refreshRounds: 32,
      // Scheduler._reqs_finishing_inflight
      foreseesLength: true,
    },
    chunkTokens: (gpu) => byMemory(CHUNK_TOKENS_05, gpu),
    memoryFraction: memoryFraction05,
  },
  /** 0.4.4.post1. */
  '0.4': {
    ahead: { deliversAfterPreemption: false, keepsOverrun: true },
    rules: {
      // Scheduler.update_running_batch
      endedLeaveFirst: false,
      // ScheduleBatch.alloc_token_slots, check_decode_mem
      evictsAll: true,
      // PrefillAdder.add_one_req
      budgetFirst: false,
      spareTokens: 0,
      heedsIgnoreEos: false,
      countsGenerated: false,
      // PrefillAdder.add_chunked_req
      chunksFitMemory: false,
      // ScheduleBatch.retract_decode
      retractSteps: 20,
      estimateSpare: 0,
      // Scheduler.event_loop_normal, event_loop_overlap
      resetsWithWaiting: true,
      // Req.init_next_round_input
      looksUpAgain: false,
      refreshRounds: 0,
      // Scheduler.update_running_batch
      foreseesLength: false,
    },
    // Below 25,000 MB.
    chunkTokens: (gpu) => (mebibytes(gpu) < 25_000 ? 2048 : 8192),
    memoryFraction: ({ tp }) => (tp >= 8 ? 0.81 : tp >= 4 ? 0.85 : tp >= 2 ? 0.87 : 0.88),
  },
} as const satisfies Readonly<Record<string, SglangVersion>>;

/** A figure by the memory of the GPU: each up to so many GiB. */
type ByMemory = readonly (readonly [belowGib: number, figure: number])[];

const CHUNK_TOKENS_05: ByMemory = [
  [20, 2048],
  [60, 4096],
  [160, 8192],
  [Number.POSITIVE_INFINITY, 16_384],
];

/** The largest decode batch with a CUDA graph, up to tp=2 and from tp=4 on. */
const DECODE_GRAPH_05: ByMemory = [
  [20, 8],
  [35, 48],
  [60, 32],
  [160, 256],
  [Number.POSITIVE_INFINITY, 512],
];
const DECODE_GRAPH_TP4_05: ByMemory = [
  [20, 8],
  [60, 160],
  [Number.POSITIVE_INFINITY, 512],
];

/**
 * What activations and CUDA graphs are taken to need, in MiB, is left out: 1.5 a token of a chunk, 2 a sequence of the
 * largest decode graph, 8 a prefill graph, 128 a GPU, and 512; at least 10 GiB on devices above 60 GiB.
 */
function memoryFraction05({ gpu, tp, pp }: InstanceShape): number {
  const chunk = byMemory(CHUNK_TOKENS_05, gpu);
  const decodeGraph = byMemory(tp < 4 ? DECODE_GRAPH_05 : DECODE_GRAPH_TP4_05, gpu);
  // Pipelines have none by default.
  const prefillGraphs = pp > 1 ? 0 : prefillGraphs05(chunk);
  const reserve = 512 + 1.5 * chunk + 128 * tp * pp + 2 * decodeGraph + 8 * prefillGraphs;
  const total = mebibytes(gpu);
  const least = total > 60 * 1024 ? 10 * 1024 : 0;
  return Math.round((1 - Math.max(reserve, least) / total) * 1000) / 1000;
}

/** Sizes for which a prefill graph is captured: 38 up to 1024 tokens, one each 256 up to 4096, one each 512 beyond. */
function prefillGraphs05(chunk: number): number {
  return 38 + (Math.min(chunk, 4096) - 1024) / 256 + Math.max(0, chunk - 4096) / 512;
}

function byMemory(figures: ByMemory, gpu: GpuName): number {
  const found = figures.find(([belowGib]) => mebibytes(gpu) < belowGib * 1024);
  if (found === undefined) throw new Error(`no figure for ${gpu}`);
  return found[1];
}

function mebibytes(gpu: GpuName): number {
  return GPUS[gpu].memoryBytes / 1024 ** 2;
}
