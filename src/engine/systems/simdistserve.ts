import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import {
  DECODE_CONTEXT_TOKENS,
  simdistserveDecode,
  simdistservePrefill,
  simdistserveVllm,
} from '../policies/simdistserve.ts';
import { collocated } from './collocated.ts';
import {
  costModel,
  readDeployment,
  readRoles,
  type Deployment,
  type DeploymentDefaults,
  type RoleDeployment,
} from './deployment.ts';
import { disaggregated, type RoleParts } from './disaggregated.ts';
import { kvBlocks } from './fit.ts';
import { distserveKvTokens } from './kv-tokens-distserve.ts';
import { readReplicas } from './replicas.ts';
import type { OptionReader } from './option-reader.ts';
import type { System } from './system.ts';

const SOURCE = 'DistServe (OSDI 2024), its simulator: LLMServe/DistServe 82831f1, simdistserve. For validation';

const DEFAULTS: Omit<DeploymentDefaults, 'cost'> = {
  model: 'opt-13b',
  gpu: 'a100-sxm-80g',
  hostFixedUs: 0,
  hostPerSequenceUs: 0,
  // The first token comes with the prompt; at the last token but one the context must still fit into a batch.
  maxModelLen: {
    tokens: DECODE_CONTEXT_TOKENS + 1,
    source: 'simdistserve: what is longer never fits into a decode batch, and holds up all behind it',
  },
};

/** Decodes have no memory limit in the simulator. */
const EQUALS =
  'simdistserve 82831f1: every request’s times, in runs of the simulator itself (test/engine/validation/simdistserve.long.test.ts)';

const NO_LIMIT = 2 ** 40;

const DISAGGREGATED: DeploymentDefaults = { ...DEFAULTS, cost: 'distserve' };
const COLLOCATED: DeploymentDefaults = { ...DEFAULTS, cost: 'vllm' };

/** DistServe as in its own simulator: no KV transfer, no decode memory, prompts batched up to the KV size. */
export const simdistserve: System = {
  cites: SOURCE,
  equals: EQUALS,
  options: (given) => readRoles(given, DISAGGREGATED, ['prefill', 'decode']).options,
  engine(given, context) {
    const { shared, role } = readRoles(given, DISAGGREGATED, ['prefill', 'decode']);
    const [prefill, decode] = [role('prefill'), role('decode')];
    return disaggregated(context, {
      maxModelLen: shared.max_model_len,
      prefill: roleParts(prefill, kvTokens(prefill), () => simdistservePrefill(kvTokens(prefill))),
      decode: roleParts(decode, NO_LIMIT, simdistserveDecode),
      transfers: null,
      repeatsFirstToken: false,
    });
  },
};

/** The vLLM that the simulator compares with DistServe. */
export const simdistserveVllmSystem: System = collocated({
  cites: SOURCE,
  equals: EQUALS,
  options: readCollocated,
  memory: () => new CountingBlockPool(NO_LIMIT, 1),
  policy: (options) => simdistserveVllm(kvTokens(options)),
  maxPromptTokens: kvTokens,
  name: (i) => `vllm-${i}`,
});

function roleParts(role: RoleDeployment, capacityTokens: number, policy: () => IterationPolicy): RoleParts {
  return {
    count: role.count,
    router: 'least-requests',
    stages: role.pp,
    memory: () => new CountingBlockPool(capacityTokens, 1),
    policy,
    cost: (name) => costModel(role, name),
  };
}

function readCollocated(given: OptionReader): Deployment & ReturnType<typeof readReplicas> {
  return { ...readDeployment(given, COLLOCATED), ...readReplicas(given) };
}

function kvTokens(deployment: Deployment): number {
  const { model, gpu, tp, pp, block_tokens, kv_tokens } = deployment;
  const published = gpu === DEFAULTS.gpu && kv_tokens === 0 ? distserveKvTokens(model, tp, pp) : null;
  return published ?? kvBlocks(deployment) * block_tokens;
}
