import { cluster } from '../cluster/cluster.ts';
import { pipeline } from '../hardware/pipeline.ts';
import { Instance } from '../instance/instance.ts';
import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { ROUTERS } from '../cluster/routers.ts';
import {
  DECODE_CONTEXT_TOKENS,
  simdistserveDecode,
  simdistservePrefill,
  simdistserveVllm,
} from '../policies/simdistserve.ts';
import type { Sequence } from '../instance/sequence.ts';
import {
  costModel,
  readDeployment,
  readRoles,
  type Deployment,
  type DeploymentDefaults,
  type Role,
} from './deployment.ts';
import { kvBlocks } from './fit.ts';
import { distserveKvTokens } from './kv-tokens-distserve.ts';
import { readReplicas } from './replicas.ts';
import type { OptionReader } from './option-reader.ts';
import type { EngineContext, System } from './system.ts';

const SOURCE = 'DistServe (OSDI 2024), its simulator: LLMServe/DistServe 82831f1, simdistserve. For validation';

const DEFAULTS: Omit<DeploymentDefaults, 'cost'> = {
  model: 'opt-13b',
  gpu: 'a100-sxm-80g',
  hostFixedUs: 0,
  hostPerSequenceUs: 0,
  // The first token comes from the prompt; with the last but one its context must still fit into a batch.
  maxModelLen: {
    tokens: DECODE_CONTEXT_TOKENS + 1,
    source: 'simdistserve: what is longer never fits into a decode batch, and holds up all behind it',
  },
};

/** It has no limit on the memory of decodes. */
const NO_LIMIT = 2 ** 40;

const DISAGGREGATED: DeploymentDefaults = { ...DEFAULTS, cost: 'distserve' };
const COLLOCATED: DeploymentDefaults = { ...DEFAULTS, cost: 'vllm' };

/** DistServe as its own simulator has it: no KV transfer, no decode memory, prompts batched up to the KV size. */
export const simdistserve: System = {
  cites: SOURCE,
  options: (given) => readRoles(given, DISAGGREGATED, ['prefill', 'decode']).options,
  engine(given, context) {
    const { shared, role } = readRoles(given, DISAGGREGATED, ['prefill', 'decode']);
    const decode = instances(context, 'decode', role('decode'), simdistserveDecode);
    const nextDecode = ROUTERS['least-requests'].create();
    const prefill = instances(
      context,
      'prefill',
      role('prefill'),
      () => simdistservePrefill(kvTokens(role('prefill'))),
      (sequence) => {
        sequence.kv.release();
        sequence.transferBeganUs = sequence.handedOverUs = context.clock.now();
        decode[nextDecode(decode)]?.submit(sequence);
      },
    );
    return cluster({
      clock: context.clock,
      maxModelLen: shared.max_model_len,
      entry: prefill,
      others: decode,
      router: ROUTERS['least-requests'].create(),
    });
  },
};

/** The vLLM that it is compared with. */
export const simdistserveVllmSystem: System = {
  cites: SOURCE,
  options: readCollocated,
  engine(given, context) {
    const options = readCollocated(given);
    const entry = instances(context, 'vllm', { ...options, count: options.instances }, () =>
      simdistserveVllm(kvTokens(options)),
    );
    return cluster({
      clock: context.clock,
      maxModelLen: options.max_model_len,
      maxPromptTokens: kvTokens(options),
      entry,
      router: ROUTERS[options.router].create(),
    });
  },
};

function readCollocated(given: OptionReader): Deployment & ReturnType<typeof readReplicas> {
  return { ...readDeployment(given, COLLOCATED), ...readReplicas(given) };
}

function kvTokens(deployment: Deployment): number {
  const { model, gpu, tp, pp, block_tokens, kv_tokens } = deployment;
  const published = gpu === DEFAULTS.gpu && kv_tokens === 0 ? distserveKvTokens(model, tp, pp) : null;
  return published ?? kvBlocks(deployment) * block_tokens;
}

function instances(
  { clock, onIteration }: EngineContext,
  name: string,
  role: Role,
  policy: () => IterationPolicy,
  handOver?: (sequence: Sequence) => void,
): Instance[] {
  return Array.from(
    { length: role.count },
    (_, i) =>
      new Instance({
        name: `${name}-${i}`,
        clock,
        onIteration,
        policy,
        handOver,
        memory: new CountingBlockPool(handOver === undefined ? NO_LIMIT : kvTokens(role), 1),
        executor: pipeline(clock, role.pp),
        cost: costModel(role, `${name}-${i}`),
      }),
  );
}
