import type { Contestant } from '../experiment.ts';

const ON_13B = 'model=opt-13b,gpu=a100-sxm-80g';
const ON_66B = 'model=opt-66b,gpu=a100-sxm-80g';

/** As deployed in the paper (its appendix B), each with the times of its own engine. */
export const OPT_13B: readonly Contestant[] = [
  { name: 'DistServe', spec: `distserve,${ON_13B},cost=distserve,prefill.tp=2`, gpus: 3, mixes: false },
  { name: 'vLLM', spec: `vllm-v0,${ON_13B},cost=vllm`, gpus: 1, mixes: false },
];

export const OPT_66B: readonly Contestant[] = [
  {
    name: 'DistServe',
    spec: `distserve,${ON_66B},cost=distserve,prefill.tp=4,decode.tp=2,decode.pp=2`,
    gpus: 8,
    mixes: false,
  },
  { name: 'vLLM', spec: `vllm-v0,${ON_66B},cost=vllm,tp=4`, gpus: 4, mixes: false },
];

/** vLLM with the kernels of DistServe: what is left of a gain is not that of the engine. */
export const VLLM_SAME_KERNELS: Contestant = {
  name: 'vLLM, same kernels',
  spec: `vllm-v0,${ON_13B},cost=distserve`,
  gpus: 1,
  mixes: false,
};

export const DISTSERVE_LENGTHS =
  'Lengths: the data sets are not public in the form used; their means are, and the rest of the distributions is chosen here. The share within the limits depends on it.';
