import type { Contestant, Experiment, Part } from '../experiment.ts';
import { always } from '../lengths.ts';

const LIMITS = { ttftS: 0.4, tpotS: 0.04 };

/** `cost`: the coefficients of the vLLM that was measured, or those of DistServe's own engine. */
function systems(cost: 'vllm' | 'distserve'): Contestant[] {
  const on = `model=opt-13b,gpu=a100-sxm-80g,cost=${cost}`;
  return [
    { name: 'collocated', spec: `vllm-v0,${on}`, gpus: 1, mixes: false },
    { name: '2P + 1D', spec: `distserve,${on},prefill=2`, gpus: 3, mixes: false },
    // Nobody needs more than a first token, so that nothing is handed over.
    { name: 'prefill only', spec: `distserve,${on}`, gpus: 1, mixes: false, outputTokens: 1 },
    // With more instances for prompts than it takes, and no limit on TTFT.
    {
      name: 'decode only',
      spec: `distserve,${on},prefill=8`,
      gpus: 1,
      mixes: false,
      limits: { ...LIMITS, ttftS: Number.POSITIVE_INFINITY },
    },
  ];
}

const PUBLISHED = { collocated: 1.6, '2P + 1D': 3.3, 'prefill only': 5.6, 'decode only': 10 };
const TOLERANCES = { collocated: 0.25, '2P + 1D': 0.25, 'prefill only': 0.35, 'decode only': 0.25 };

const part = (cost: 'vllm' | 'distserve'): Omit<Part, 'id' | 'title' | 'checks'> => ({
  workload: {
    name: '512 tokens in, 64 out',
    how: 'as published: every request has these lengths',
    kinds: [{ share: 1, input: always(512), output: always(64) }],
    longestTokens: null,
  },
  requests: 10_000,
  seeds: [1],
  systems: systems(cost),
  gammas: [],
  limits: LIMITS,
  grid: { kind: 'highest', test: 'marginal' },
  panels: [{ figure: 'goodput_rps_per_gpu', title: 'Goodput of one A100', unit: 'requests/s a GPU', scale: 'linear' }],
  published: Object.entries(PUBLISHED).map(([system, y]) => ({
    name: 'published',
    figure: 'goodput_rps_per_gpu',
    system,
    points: [{ x: null, y }],
  })),
  ratios: [
    {
      what: '2P + 1D over collocated',
      of: '2P + 1D',
      to: 'collocated',
      figure: 'goodput_rps_per_gpu',
      at: null,
      published: [2.1, 2.1],
    },
  ],
});

const ORDER = {
  kind: 'order',
  claim: 'collocated carries least, then 2P + 1D, prefill only, and decode only most',
  figure: 'goodput_rps_per_gpu',
  systems: ['collocated', '2P + 1D', 'prefill only', 'decode only'],
} as const;

export const distserveFigure1: Experiment = {
  name: 'distserve-figure-1',
  title: 'DistServe, Figure 1: what one GPU carries by what it does',
  source: 'DistServe (OSDI 2024), Figure 1: OPT-13B on A100-80G, P90 TTFT within 0.4 s and P90 TPOT within 0.04 s',
  published:
    '1.6 requests/s collocated, 5.6 for prompts alone, 10 for decodes alone, and so 3.3 a GPU with two GPUs for prompts and one for decodes, which was not measured: min(2 x 5.6, 10) / 3',
  reconstructed: [],
  leftOut: [],
  parts: [
    {
      ...part('vllm'),
      id: 'as-measured',
      title: 'With the times of the vLLM of 2023, which was measured',
      checks: [
        ORDER,
        ...Object.entries(TOLERANCES).map(([system, tolerance]) => ({
          kind: 'near' as const,
          claim: `${system} is within ${100 * tolerance} % of what is published`,
          figure: 'goodput_rps_per_gpu' as const,
          system,
          tolerance,
        })),
      ],
    },
    { ...part('distserve'), id: 'own-kernels', title: 'With the times of DistServe’s own engine', checks: [ORDER] },
  ],
};
