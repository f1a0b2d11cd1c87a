import { goodput, marginal } from './goodput.ts';
import { poissonTimes } from './simulated.ts';

/**
 * DistServe's Figure 1: OPT-13B on A100s, prompts of 512 tokens, outputs of 64, Poisson arrivals; the highest rate a GPU
 * at which the 90th percentiles of TTFT and TPOT are within 0.4 s and 0.04 s, each where it applies. As published, on
 * the vLLM of 2023: the two of `2P + 1D`, 3.3, is min(2 x 5.6, 10) / 3 and was not measured.
 */
export interface Figure1Row {
  readonly name: string;
  readonly system: string;
  readonly gpus: number;
  readonly outputTokens: number;
  readonly limits: { readonly ttftS: number; readonly tpotS: number };
  /** Requests a second and GPU; and how far from it, as a share, ours may be. */
  readonly published: number;
  readonly tolerance: number;
}

const INPUT_TOKENS = 512;
const OUTPUT_TOKENS = 64;
const BOTH = { ttftS: 0.4, tpotS: 0.04 };

/** `cost`: the coefficients of the vLLM that was measured, or those of DistServe's own engine. */
export function figure1Rows(cost: 'vllm' | 'distserve'): Figure1Row[] {
  const on = `model=opt-13b,gpu=a100-sxm-80g,cost=${cost}`;
  return [
    {
      name: 'collocated',
      system: `vllm-v0,${on}`,
      gpus: 1,
      outputTokens: OUTPUT_TOKENS,
      limits: BOTH,
      published: 1.6,
      tolerance: 0.25,
    },
    {
      name: '2P + 1D',
      system: `distserve,${on},prefill=2`,
      gpus: 3,
      outputTokens: OUTPUT_TOKENS,
      limits: BOTH,
      published: 3.3,
      tolerance: 0.25,
    },
    {
      name: 'prefill only',
      // Nobody needs more than a first token, so that nothing is handed over.
      system: `distserve,${on}`,
      gpus: 1,
      outputTokens: 1,
      limits: BOTH,
      published: 5.6,
      tolerance: 0.35,
    },
    {
      name: 'decode only',
      // With more instances for prompts than it takes, and no limit on TTFT.
      system: `distserve,${on},prefill=8`,
      gpus: 1,
      outputTokens: OUTPUT_TOKENS,
      limits: { ...BOTH, ttftS: Number.POSITIVE_INFINITY },
      published: 10,
      tolerance: 0.25,
    },
  ];
}

/** Requests a second and GPU. */
export async function measureFigure1(row: Figure1Row, requests: number): Promise<number> {
  const { system, gpus, outputTokens, limits } = row;
  const workload = poissonTimes(requests, 1).map((dueS) => ({ dueS, inputTokens: INPUT_TOKENS, outputTokens }));
  return (await goodput(system, workload, marginal(limits), { lowestRps: 0.5 })) / gpus;
}
