import type { Contestant, Experiment } from '../experiment.ts';
import { always } from '../lengths.ts';

/** One prompt at a time, nothing cached: a server of an M/D/1 queue. */
const ALONE = 'vllm-v1,version=0.10,async=off,model=opt-13b,gpu=a100-sxm-80g,max_seqs=1,prefix_caching=off';
const ONE: Contestant = { name: 'one GPU', spec: ALONE, gpus: 1, mixes: false };
const ROW: Contestant = { name: 'two in a row', spec: `${ALONE},pp=2`, stages: 2, gpus: 2, mixes: false };
const SHARED: Contestant = { name: 'two that share it', spec: `${ALONE},tp=2`, gpus: 2, mixes: false };

export const md1: Experiment = {
  name: 'md1',
  title: 'Prompts alone as an M/D/1 queue: equations 1 to 3 of DistServe',
  source: 'DistServe (OSDI 2024), section 3: prompts of one length, one at a time, Poisson arrivals',
  published:
    'Mean TTFT is D + R D^2 / (2 (1 - R D)) on one GPU, and with D / 2 a stage or D / K a prompt on two; sharing each prompt is faster at low rates, a row of two at high ones',
  reconstructed: [
    'D and K are those of this engine’s OPT-13B on A100s: a request alone is timed first, and the theory takes its time.',
    'The rate is drawn as rate x D, D being the time of one prompt alone on one GPU.',
  ],
  leftOut: [],
  parts: [
    {
      id: 'prompts',
      title: 'OPT-13B on A100s',
      workload: {
        name: '512 tokens in, 1 out',
        how: 'as in the analysis: all of one length',
        kinds: [{ share: 1, input: always(512), output: always(1) }],
        longestTokens: null,
      },
      requests: 60_000,
      seeds: [1],
      systems: [ONE, ROW, SHARED],
      gammas: [],
      limits: null,
      grid: { kind: 'queue', loads: [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.1, 1.3, 1.5, 1.7] },
      panels: [
        {
          figure: 'ttft_over_alone',
          title: 'Mean TTFT, as multiples of one prompt alone',
          unit: 'times D',
          scale: 'linear',
        },
      ],
      published: [],
      checks: [
        ...[ONE, ROW, SHARED].map(({ name }) => ({
          kind: 'near' as const,
          claim: `mean TTFT on ${name} is that of its equation, within 5 %`,
          figure: 'ttft_over_alone' as const,
          system: name,
          tolerance: 0.05,
        })),
        {
          kind: 'crossing',
          claim: 'sharing each prompt is faster at low rates, a row of two at high ones',
          figure: 'ttft_over_alone',
          first: SHARED.name,
          second: ROW.name,
          within: [0.1, 1.7],
        },
      ],
      ratios: [],
    },
  ],
};
