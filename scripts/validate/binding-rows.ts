import { attainment, goodput, type Limits } from './goodput.ts';
import { latenciesAt, poissonTimes } from './simulated.ts';

/**
 * What DistServe was compared with vLLM on, with OPT-66B: every request has the mean lengths of the paper's data sets
 * (figure 7), which are not to be had themselves, and the limits of its table 1. `binds`: which limit vLLM misses first,
 * and where it says so, DistServe.
 */
export const BINDING_ROWS = {
  'chat (ShareGPT)': {
    inputTokens: 756,
    outputTokens: 200,
    limits: { ttftS: 2.5, tpotS: 0.15 },
    binds: { vllm: 'TPOT' },
  },
  'code (HumanEval)': {
    inputTokens: 171,
    outputTokens: 98,
    limits: { ttftS: 0.125, tpotS: 0.2 },
    binds: { vllm: 'TTFT', distserve: 'TTFT' },
  },
  'summarisation (LongBench)': {
    inputTokens: 1738,
    outputTokens: 91,
    limits: { ttftS: 15, tpotS: 0.15 },
    binds: { vllm: 'TPOT' },
  },
} as const;

const ON = 'model=opt-66b,gpu=a100-sxm-80g';

/** As deployed in the paper: vLLM on 4 GPUs, DistServe on 4 for prompts and on two stages of 2 for decodes. */
export const OPT_66B = {
  vllm: { system: `vllm-v0,${ON},cost=vllm,tp=4`, gpus: 4 },
  distserve: { system: `distserve,${ON},cost=distserve,prefill.tp=4,decode.tp=2,decode.pp=2`, gpus: 8 },
} as const;

const SHARE = 0.9;
const REQUESTS = 1500;

/** Goodput in requests a second and GPU, and the limit that fewer requests meet at a rate a tenth above it. */
export async function bindingOf(
  { system, gpus }: { readonly system: string; readonly gpus: number },
  {
    inputTokens,
    outputTokens,
    limits,
  }: { readonly inputTokens: number; readonly outputTokens: number; readonly limits: Limits },
): Promise<{ rate: number; binds: 'TTFT' | 'TPOT' }> {
  const requests = poissonTimes(REQUESTS, 1).map((dueS) => ({ dueS, inputTokens, outputTokens }));
  const rate = await goodput(system, requests, (latencies) => attainment(latencies, limits) >= SHARE);
  const beyond = await latenciesAt(system, 1.1 * rate, requests);
  const ttft = attainment(beyond, { ...limits, tpotS: Number.POSITIVE_INFINITY });
  const tpot = attainment(beyond, { ...limits, ttftS: Number.POSITIVE_INFINITY });
  return { rate: rate / gpus, binds: ttft < tpot ? 'TTFT' : 'TPOT' };
}
