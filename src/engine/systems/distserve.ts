import type { HostOverhead } from '../cost/host-overhead.ts';
import { copyUs, withSwapping } from '../cost/swapping.ts';
import { GPUS } from '../hardware/gpus.ts';
import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { kvBytesPerToken } from '../models/llm.ts';
import { LLMS } from '../models/llms.ts';
import { distserveDecode, distservePrefill } from '../policies/distserve.ts';
import { pullBelow } from '../cluster/kv-admission.ts';
import type { RouterName } from '../cluster/routers.ts';
import { costModel, readRoles, type MemoryLayout, type RoleDeployment } from './deployment.ts';
import { disaggregated, readRouters } from './disaggregated.ts';
import { kvBlocks } from './fit.ts';
import { kvTransfer, readKvLink } from './kv-link.ts';
import { OURS, type OptionReader } from './option-reader.ts';
import { LOGS, type System } from './system.ts';

/** Remote calls between its processes, as in its own simulator; the part that grows with the tokens is left out. */
const HOST: HostOverhead = { hostFixedUs: 2000, hostPerSequenceUs: 0 };

const MEMORY: MemoryLayout = {
  blockTokens: { fallback: 16, max: 1024, source: 'DistServe, block_size of its evaluation' },
  fraction: { fallback: () => 0.95, source: 'DistServe, gpu_memory_utilization of its evaluation' },
  /** 1 % of the memory of its GPUs, which worker.py subtracts. */
  reserveBytes: 0.86e9,
};

const TRANSFERS = {
  between: { pace: 'between-iterations' },
  beside: { pace: 'in-turn' },
} as const;

const SWITCH = { on: {}, off: {} };

const CODE = 'LLMServe/DistServe 82831f1';
const FLAGS = 'DistServe, flags of its evaluation';

/** DistServe: prefill on some instances, decode on others, which fetch the KV memory. */
export const distserve: System = {
  cites:
    `DistServe (OSDI 2024), section 4.3; ${CODE}, distserve/{context,decoding}_stage_scheduler.py. As published: ` +
    'cost=distserve here and cost=vllm for vllm-v0; the same kernels: one cost for both',
  equals:
    `${CODE}, its schedulers of both stages, batch by batch where no request is swapped out; with double_count=on also ` +
    `as many swaps within 2, first tokens within 5 ms and last within 20 ms on the mean${LOGS}. By default ` +
    'prefill.batch_tokens is that of the paper, and joining prompts count once',
  options: (given) => read(given).options,
  engine(given, context) {
    const { role, own } = read(given);
    const [prefill, decode] = [role('prefill'), role('decode')];
    return disaggregated(context, {
      maxModelLen: prefill.max_model_len,
      prefill: {
        ...roleParts(prefill, own['prefill.router']),
        cost: (instance) => costModel(prefill, instance),
        policy: () =>
          distservePrefill({ batchSize: own['prefill.batch_size'], batchTokens: own['prefill.batch_tokens'] }),
      },
      decode: {
        ...roleParts(decode, own['decode.router']),
        cost: (instance) => withSwapping(costModel(decode, instance), swapUs(decode)),
        policy: () => distserveDecode({ batchSize: own['decode.batch_size'], countsTwice: own.double_count === 'on' }),
      },
      transfers: {
        ...kvTransfer(own, prefill, decode),
        admission: pullBelow(own.waiting_share),
        pace: TRANSFERS[own.transfer].pace,
      },
      repeatsFirstToken: false,
    });
  },
};

function roleParts(role: RoleDeployment, router: RouterName) {
  const memory = () => new CountingBlockPool(kvBlocks(role, MEMORY.reserveBytes), role.block_tokens);
  return { count: role.count, stages: role.pp, router, memory };
}

/** Microseconds to copy one block between the host and the GPUs, each of which has its part. */
function swapUs({ gpu, model, tp, pp, block_tokens }: RoleDeployment): number {
  return copyUs(GPUS[gpu], (kvBytesPerToken(LLMS[model]) * block_tokens) / (tp * pp));
}

function read(given: OptionReader) {
  const { options, role } = readRoles(given, { ...HOST, memory: MEMORY }, ['prefill', 'decode']);
  const own = {
    ...readRouters(
      given,
      { prefill: 'least-requests', decode: 'least-requests' },
      'DistServe, 4.3: shortest queue, least loaded',
    ),
    ...readKvLink(given),
    'prefill.batch_tokens': given.integer('prefill.batch_tokens', {
      min: 1,
      max: 2 ** 20,
      fallback: 512,
      about: 'prompt tokens of an iteration (L_m), unless one prompt alone has more',
      source: `DistServe, 4.3: what saturates an A100 with a model of 13B; ${FLAGS}: 8192`,
    }),
    'prefill.batch_size': given.integer('prefill.batch_size', {
      min: 1,
      max: 65536,
      fallback: 128,
      about: 'prompts of an iteration',
      source: FLAGS,
    }),
    'decode.batch_size': given.integer('decode.batch_size', {
      min: 1,
      max: 65536,
      fallback: 1024,
      about: 'requests that a batch decodes',
      source: FLAGS,
    }),
    transfer: given.name('transfer', TRANSFERS, {
      fallback: 'between',
      about: 'when prompts are fetched, one at a time: between two iterations, the next of which waits, or beside them',
      source: `${CODE}, single_stage_engine.py: its decode loop awaits each transfer; beside: its paper`,
    }),
    double_count: given.name('double_count', SWITCH, {
      fallback: 'off',
      about: 'whether a fetched prompt that joins a batch must find its blocks free once more',
      source: `${OURS}; on in ${CODE}, _check_add_to_cur_batch`,
    }),
    waiting_share: given.fraction('waiting_share', {
      above: 0,
      max: 1,
      fallback: 0.05,
      about:
        'share of the blocks of an instance that decodes below which fetched prompts may wait there for more to come',
      source: `${CODE}, waiting_block_prop_threshold`,
    }),
  };
  return { options: { ...options, ...own }, role, own };
}
