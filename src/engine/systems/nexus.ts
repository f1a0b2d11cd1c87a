import type { Shares } from '../policies/nexus-shares.ts';
import { nexusShares } from '../policies/nexus-shares.ts';
import { byArrivalTime, sharedDecode, sharedPrefill, shortestFirst } from '../policies/shared-gpu.ts';
import { readDeployment } from './deployment.ts';
import type { OptionReader } from './option-reader.ts';
import { blockMemory, readPrefixCaching } from './prefix-caching.ts';
import { readReplicas } from './replicas.ts';
import { readPercent, readShareCurve, shareCurveOf } from './share-options.ts';
import { MOST_STAGES, sharedGpuEngine, type SharedGpu } from './shared-gpu.ts';
import type { System } from './system.ts';
import { readVllmV1Limits, VLLM_V1_HOST } from './vllm-v1.ts';
import { versionMemory, type Versioned } from './vllm-versions.ts';

const PAPER = 'Nexus, table of hyper-parameters';
const NOT_GIVEN = 'reconstructed: the paper does not give it';

/** Nexus is built on vLLM 0.8.1. */
const VLLM: Versioned = { version: '0.10', async: 'off' };

const SCHEDULERS = { spf: {}, fcfs: {} };
const SHARES = { dynamic: {}, static: {} };
const OBJECTIVES = { auto: {}, prefill: {}, decode: {} };
const CONTENTION = { bytes: {}, off: {} };

/** Nexus: prompts and decodes at once on one GPU, on shares of its processors that its cost model chooses. */
export const nexus: System = {
  cites:
    'Nexus (arXiv v4), sections 4.1 to 4.3: shortest prompt first, Algorithm 1; no code is published. Built on vLLM 0.8.1: ' +
    'its limits, memory, host and prefix caching',
  equals: 'nothing to compare with: reconstructed from the paper, what it does not give is marked so below',
  options: read,
  engine(given, context) {
    const options = read(given);
    const { token_budget: tokenBudget, max_seqs: maxSeqs, ageing_tokens_per_s: ageing } = options;
    const rank = options.scheduler === 'spf' ? shortestFirst(ageing) : byArrivalTime;
    return sharedGpuEngine(context, {
      options,
      curve: shareCurveOf(options),
      memory: () => blockMemory(options, false),
      prefill: () => sharedPrefill({ tokenBudget, maxSeqs, rank }),
      decode: () => sharedDecode({ maxSeqs }),
      shares: (gpu) => sharesOf(options, gpu),
    });
  },
};

function sharesOf(options: ReturnType<typeof read>, { cost, kvUse }: SharedGpu): Shares {
  const share = options.prefill_share / 100;
  if (options.shares === 'static') return { prefill: () => share, decode: () => 1 - share };
  return nexusShares(
    {
      prefillSlack: options.prefill_slack,
      decodeSlack: options.decode_slack,
      objective: options.objective,
      kvSwitch: options.kv_switch,
      kvHysteresis: options.kv_hysteresis,
      leastChange: options.least_change,
      smallest: options.smallest_share,
      idleShare: options.idle_share / 100,
      isContended: options.contention === 'bytes',
    },
    cost,
    kvUse,
  );
}

function read(given: OptionReader) {
  const deployment = readDeployment(given, { ...VLLM_V1_HOST, memory: versionMemory(VLLM), mostStages: MOST_STAGES });
  return {
    ...deployment,
    ...readReplicas(given),
    ...readPrefixCaching(given),
    ...readVllmV1Limits(given, VLLM, deployment.gpu),
    ...readShareCurve(given),
    scheduler: given.name('scheduler', SCHEDULERS, {
      fallback: 'spf',
      about: 'whose prompt comes first: the shortest rest, or first come, first served',
      source: 'Nexus, section 4.3; fcfs is of its ablation',
    }),
    ageing_tokens_per_s: given.amount('ageing_tokens_per_s', {
      max: 1e6,
      fallback: 15,
      about: 'tokens by which a waiting prompt counts as shorter for each second that it is old (gamma)',
      source: `${PAPER}; its unit is not given: in seconds it hardly ages`,
    }),
    shares: given.name('shares', SHARES, {
      fallback: 'dynamic',
      about: 'whether the shares of the GPU are chosen before each batch, or are prefill_share and the rest',
      source: 'Nexus, section 4.2; static is of its ablation',
    }),
    prefill_share: given.integer('prefill_share', {
      min: 1,
      max: 99,
      fallback: 50,
      about: 'percent of the processors that compute prompts with shares=static; decodes have the rest',
      source: NOT_GIVEN,
    }),
    objective: given.name('objective', OBJECTIVES, {
      fallback: 'auto',
      about: 'which phase is favoured: prompts below kv_switch and decodes above it, or always one of them',
      source: 'Nexus, section 4.2',
    }),
    prefill_slack: slack(given, 'prefill_slack', 1.3, 'a prefill may take while decodes are favoured (alpha)'),
    decode_slack: slack(given, 'decode_slack', 1.1, 'a decode may take while prompts are favoured (beta)'),
    kv_switch: given.amount('kv_switch', {
      max: 1,
      fallback: 0.7,
      about: 'share of the KV memory in use above which decodes are favoured',
      source: PAPER,
    }),
    kv_hysteresis: given.amount('kv_hysteresis', {
      max: 1,
      fallback: 0.05,
      about: 'how far beyond kv_switch, on either side, the objective changes',
      source: NOT_GIVEN,
    }),
    least_change: given.integer('least_change', {
      min: 1,
      max: 100,
      fallback: 5,
      about: 'least change of a share that is applied, percent of the GPU (delta)',
      source: NOT_GIVEN,
    }),
    smallest_share: given.integer('smallest_share', {
      min: 1,
      max: 50,
      fallback: 10,
      about: 'least share of a phase while both are busy, percent of the GPU',
      source: NOT_GIVEN,
    }),
    idle_share: readPercent(given, 'idle_share', {
      fallback: 100,
      about: 'share of a phase while the other is idle, percent of the GPU',
      source: NOT_GIVEN,
    }),
    contention: given.name('contention', CONTENTION, {
      fallback: 'bytes',
      about: 'whether the cost model of the partition counts the bandwidth that prompts take from decode attention',
      source: 'reconstructed: the equation is an image in Nexus, section 4.1',
    }),
  };
}

function slack(given: OptionReader, key: string, fallback: number, what: string): number {
  return given.fraction(key, {
    above: 0,
    max: 100,
    fallback,
    about: `how many times as long as on the whole GPU ${what}`,
    source: PAPER,
  });
}
