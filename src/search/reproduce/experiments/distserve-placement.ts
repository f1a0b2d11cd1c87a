import type { Check, Experiment, Part } from '../experiment.ts';
import { DISTSERVE_LENGTHS } from './distserve-systems.ts';
import { DISTSERVE_CHAT, DISTSERVE_CODE, DISTSERVE_SUMMARISATION } from './workloads.ts';

const GPUS = 8;

const part = (
  of: Pick<Part, 'id' | 'title' | 'workload' | 'limits'>,
  model: string,
  check: Extract<Check, { kind: 'shapes' }>,
): Part => ({
  ...of,
  requests: 300,
  seeds: [1],
  systems: [],
  gammas: [],
  grid: { kind: 'placement', model, gpu: 'a100-sxm-80g', gpus: GPUS },
  panels: [
    {
      figure: 'goodput_rps_per_gpu',
      title: 'The best placements, and the best of the published shapes',
      unit: 'requests/s a GPU',
      scale: 'linear',
    },
  ],
  published: [],
  checks: [check],
  ratios: [],
});

const SHAPES_66B: Extract<Check, { kind: 'shapes' }> = {
  kind: 'shapes',
  claim: 'prompts are computed on TP 4 and decodes on TP 2, PP 2',
  prefill: { tp: 4, pp: 1 },
  decode: { tp: 2, pp: 2 },
};

export const distservePlacement: Experiment = {
  name: 'distserve-placement',
  title: 'DistServe, its placement table: which shapes its search chooses',
  source:
    'DistServe (OSDI 2024), appendix B; its search (section 4.2, Algorithm 2), as reprise place has it, with Poisson arrivals and one instance of each kind',
  published:
    'OPT-13B: prompts on TP 2, decodes on TP 1; OPT-66B, all three data sets: prompts on TP 4, decodes on TP 2, PP 2',
  reconstructed: [
    DISTSERVE_LENGTHS,
    'Judged by 90 % within both limits, with the time of moving KV memory and its capacity; the published search judges the P90 of TTFT and of TPOT each alone, without these.',
    `The GPUs of one node, ${GPUS}, so that KV memory never leaves it.`,
  ],
  leftOut: ['OPT-175B (prompts on TP 3, PP 3, decodes on TP 4, PP 3): its coefficients are not published.'],
  parts: [
    part(
      {
        id: 'chat-13b',
        title: 'Chat, OPT-13B',
        workload: DISTSERVE_CHAT,
        limits: { ttftS: 0.25, tpotS: 0.1 },
      },
      'opt-13b',
      {
        kind: 'shapes',
        claim: 'prompts are computed on TP 2 and decodes on TP 1',
        prefill: { tp: 2, pp: 1 },
        decode: { tp: 1, pp: 1 },
      },
    ),
    part(
      { id: 'chat-66b', title: 'Chat, OPT-66B', workload: DISTSERVE_CHAT, limits: { ttftS: 2.5, tpotS: 0.15 } },
      'opt-66b',
      SHAPES_66B,
    ),
    part(
      {
        id: 'code-66b',
        title: 'Code completion, OPT-66B',
        workload: DISTSERVE_CODE,
        limits: { ttftS: 0.125, tpotS: 0.2 },
      },
      'opt-66b',
      SHAPES_66B,
    ),
    part(
      {
        id: 'summarisation-66b',
        title: 'Summarisation, OPT-66B',
        workload: DISTSERVE_SUMMARISATION,
        limits: { ttftS: 15, tpotS: 0.15 },
      },
      'opt-66b',
      SHAPES_66B,
    ),
  ],
};
