import type { Contestant } from '../experiment.ts';

/** Ideal, and what Nexus measured for a batch of both phases: 251 ms for 132 + 15 ms. */
export const NEXUS_GAMMAS = [1, 1.8] as const;

export const QWEN_3B = 'model=qwen2.5-3b,gpu=l20';
export const LLAMA_8B = 'model=llama-3.1-8b,gpu=l20';
export const QWEN_14B = 'model=qwen2.5-14b,gpu=l20';

export const VLLM_V1 = 'vllm-v1,version=0.10,async=off';

/** Nexus and what it is compared with, on one L20 or `tp` of them; the other has a GPU for each phase. */
export function nexusAndOthers(on: string, tp: 1 | 2 = 1): Contestant[] {
  const spread = tp === 1 ? on : `${on},tp=${tp}`;
  return [
    { name: 'Nexus', spec: `nexus,${spread}`, gpus: tp, mixes: false },
    { name: 'vLLM v1', spec: `${VLLM_V1},${spread}`, gpus: tp, mixes: true },
    { name: 'SGLang', spec: `sglang,version=0.4,${spread}`, gpus: tp, mixes: false },
    { name: 'vLLM P/D', spec: `vllm-pd,version=0.10,async=off,${on}`, gpus: 2, mixes: true },
  ];
}

export const NEXUS_RECONSTRUCTED = [
  'Lengths: known by mean, P50, P95 and P99; lines between them, the shortest length so that the mean is right.',
  'What the paper does not give of Nexus has a default of this engine: reprise engine list --system nexus names each.',
  'vLLM is version=0.10, which acts as 0.8.5 to 0.10.2; the paper has 0.8.1. SGLang acts as 0.4.4, the paper’s.',
  'Requests: 1,200 by Poisson arrivals, to the end of the last; how many the paper sent is not known here.',
];
