import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { semiPdShares } from '../policies/semi-pd-shares.ts';
import { byArrivalTime, sharedDecode, sharedPrefill } from '../policies/shared-gpu.ts';
import { readBatchLimits } from './batch-limits.ts';
import { readDeployment, type MemoryLayout } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';
import { readReplicas } from './replicas.ts';
import { SGLANG_HOST } from './sglang.ts';
import { readPercent, readShareCurve, shareCurveOf } from './share-options.ts';
import { MOST_STAGES, sharedGpuEngine } from './shared-gpu.ts';
import type { System } from './system.ts';

const CODE = 'semi-PD, python/sglang/semi_pd/utils.py';
const CONTROLLER = 'reconstructed: the public code has no controller, and its constants are not published';

/** As SGLang 0.4, which it is built on. */
const MEMORY: MemoryLayout = {
  blockTokens: { fallback: 1, max: 1, source: 'SGLang, page_size' },
  fraction: { fallback: () => 0.88, source: 'SGLang, mem_fraction_static: weights and KV, nothing else' },
  reserveBytes: 0,
};

const SHARES = { static: {}, windowed: {} };

/** semi-PD: prompts and decodes by processes of their own on one GPU, on MPS shares that may overlap. */
export const semiPd: System = {
  cites: `semi-PD (arXiv 2025) and its code on SGLang 0.4: one KV memory and no radix cache, prompts in order of arrival, ${CODE}`,
  equals: 'not compared: reconstructed from its abstract and public code; shares=windowed follows no code',
  options: read,
  engine(given, context) {
    const options = read(given);
    const { token_budget: tokenBudget, max_seqs: maxSeqs } = options;
    const [prefill, decode] = [options.prefill_share / 100, options.decode_share / 100];
    return sharedGpuEngine(context, {
      options,
      curve: shareCurveOf(options),
      memory: () => new CountingBlockPool(kvBlocks(options, MEMORY.reserveBytes), options.block_tokens),
      prefill: () => sharedPrefill({ tokenBudget, maxSeqs, rank: byArrivalTime }),
      decode: () => sharedDecode({ maxSeqs }),
      shares: ({ now }) =>
        options.shares === 'static'
          ? { prefill: () => prefill, decode: () => decode }
          : semiPdShares(
              {
                prefillShare: prefill,
                decodeShare: decode,
                ttftLimitUs: options.ttft_limit * 1000,
                tpotLimitUs: options.tpot_limit * 1000,
                windowUs: options.window_s * 1e6,
                restartUs: options.restart_s * 1e6,
              },
              now,
            ),
    });
  },
};

function read(given: OptionReader) {
  const deployment = readDeployment(given, { ...SGLANG_HOST, memory: MEMORY, mostStages: MOST_STAGES });
  const limits = readBatchLimits(
    given,
    {
      fallback: 8192,
      about: 'prompt tokens of an iteration at which a prompt is cut',
      source: 'SGLang, chunked_prefill_size',
    },
    { fallback: 2048, source: 'SGLang, max_running_requests' },
  );
  return {
    ...deployment,
    ...readReplicas(given),
    ...limits,
    ...readShareCurve(given),
    shares: given.name('shares', SHARES, {
      fallback: 'static',
      about: 'whether the shares of the GPU stay, or a controller changes them when a limit is exceeded',
      source: `static: as its public code. windowed: ${CONTROLLER}`,
    }),
    prefill_share: readPercent(given, 'prefill_share', {
      fallback: 80,
      about: 'percent of the processors that compute prompts; with shares=windowed at the beginning',
      source: `${CODE}, SEMI_PD_PREFILL_SM_PERCENTILE`,
    }),
    decode_share: readPercent(given, 'decode_share', {
      fallback: 100,
      about: 'percent of the processors that decode; both together may exceed 100',
      source: `${CODE}, SEMI_PD_DECODE_SM_PERCENTILE`,
    }),
    ttft_limit: limit(given, 'ttft_limit', 1000, 'mean TTFT'),
    tpot_limit: limit(given, 'tpot_limit', 100, 'mean time of a decode'),
    window_s: seconds(given, 'window_s', 30, 'over which latencies are averaged'),
    restart_s: seconds(given, 'restart_s', 5, 'until new shares are in force, for processes start anew beside the old'),
  };
}

function limit(given: OptionReader, key: string, fallback: number, what: string): number {
  const about = `${what} above which shares=windowed changes the shares, ms`;
  return given.amount(key, { max: 1e9, fallback, about, source: CONTROLLER });
}

function seconds(given: OptionReader, key: string, fallback: number, what: string): number {
  return given.amount(key, { max: 1e6, fallback, about: `seconds ${what}`, source: CONTROLLER });
}
