import { UserError } from '../../core/errors.ts';
import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { chunkSchedule, type ChunkSchedule } from '../policies/chunk-schedule.ts';
import { sarathi as sarathiPolicy } from '../policies/sarathi.ts';
import { readBatchLimits, type BatchLimits } from './batch-limits.ts';
import { collocated } from './collocated.ts';
import { readDeployment, type Deployment } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import { OURS, type OptionReader } from './option-reader.ts';
import { readReplicas, type Replicas } from './replicas.ts';
import { LOGS, type System } from './system.ts';
import { VLLM_V0_HOST } from './vllm-v0.ts';

type SarathiOptions = Deployment &
  Replicas &
  BatchLimits & {
    readonly chunk_low: number;
    readonly chunk_stages: number;
    readonly chunk_prompt: number;
  };

/** Sarathi-Serve: chunked prefill that never stalls a decode. Its host overhead is assumed to be that of vLLM v0. */
export const sarathi: System = collocated({
  cites:
    'Sarathi-Serve (OSDI 2024), sarathi/core/scheduler/sarathi_scheduler.py; budgets of the paper: 512 where TBT ' +
    'limits are strict, 2048 where they are relaxed',
  equals: `Sarathi-Serve 96f9911, iteration by iteration, chunks of one size and shrinking${LOGS}`,
  options: read,
  memory: (options) => new CountingBlockPool(kvBlocks(options), options.block_tokens),
  policy: (options) => sarathiPolicy({ tokenBudget: scheduleOf(options), maxSeqs: options.max_seqs }),
});

function read(given: OptionReader): SarathiOptions {
  const deployment = readDeployment(given, VLLM_V0_HOST);
  const limits = readBatchLimits(
    given,
    {
      fallback: 512,
      about: 'tokens of an iteration, decodes included, up to which prompts fill it',
      source: 'sarathi/config/config.py, chunk_size; 2048 where limits are relaxed',
    },
    { fallback: 128, source: 'sarathi/config/config.py, max_num_seqs' },
  );
  return {
    ...deployment,
    ...readReplicas(given),
    ...limits,
    ...readStages(given, limits.token_budget, deployment.max_model_len),
  };
}

/** Options of the dynamic chunking schedule, which is off while chunk_low equals token_budget. */
function readStages(
  given: OptionReader,
  budget: number,
  maxModelLen: number,
): Pick<SarathiOptions, 'chunk_low' | 'chunk_stages' | 'chunk_prompt'> {
  const low = given.integer('chunk_low', {
    min: 1,
    max: budget,
    fallback: budget,
    about: 'token_budget at the end of a prompt, towards which it shrinks in steps; token_budget itself: it does not',
    source: 'low_chunk_size of its dynamic chunking schedule, off by default',
  });
  const scheduled = low < budget;
  if (scheduled && (low % 32 !== 0 || budget % 32 !== 0))
    throw new UserError(
      `reference engine: with chunk_low=${low} below token_budget=${budget}, both must be multiples of 32`,
    );
  const stages = given.integer('chunk_stages', {
    min: scheduled ? 2 : 1,
    max: 1024,
    fallback: scheduled ? 4 : 1,
    about: 'steps from token_budget to chunk_low',
    source: `its chunk_schedule_stages; the default is ${OURS}`,
  });
  const prompt = given.integer('chunk_prompt', {
    min: 1,
    max: 2 ** 24,
    fallback: maxModelLen,
    about: 'length of prompt over which they are spread, tokens',
    source: `its chunk_schedule_max_tokens; the default is ${OURS}`,
  });
  if (!scheduled && (stages > 1 || prompt !== maxModelLen))
    throw new UserError(
      `reference engine: chunk_stages and chunk_prompt say how chunks shrink; give a chunk_low below token_budget=${budget} too`,
    );
  return { chunk_low: low, chunk_stages: stages, chunk_prompt: prompt };
}

function scheduleOf({ token_budget: high, chunk_low: low, chunk_stages, chunk_prompt }: SarathiOptions): ChunkSchedule {
  if (low === high) return () => high;
  return chunkSchedule({ high, low, stages: chunk_stages, promptTokens: chunk_prompt });
}
