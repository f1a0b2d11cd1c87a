import type { Check, Experiment, Panel, Part } from '../experiment.ts';
import { DISTSERVE_LENGTHS, OPT_13B, OPT_66B, VLLM_SAME_KERNELS } from './distserve-systems.ts';
import { DISTSERVE_CHAT, DISTSERVE_CODE, DISTSERVE_SUMMARISATION } from './workloads.ts';

const PANELS: readonly Panel[] = [
  { figure: 'attainment', title: 'Share within both limits', unit: 'share', scale: 'linear' },
  { figure: 'attainment_ttft', title: 'Share within the limit on TTFT', unit: 'share', scale: 'linear' },
  { figure: 'attainment_tpot', title: 'Share within the limit on TPOT', unit: 'share', scale: 'linear' },
];

const FALLS: Check = {
  kind: 'monotone',
  claim: 'the share within both limits falls with the rate',
  figure: 'attainment',
  systems: ['DistServe', 'vLLM'],
  direction: 'falls',
  slack: 0.01,
};
const AHEAD: Check = {
  kind: 'ahead',
  claim: 'DistServe attains 90 % up to a higher rate a GPU than vLLM',
  first: 'DistServe',
  second: 'vLLM',
};

function binds(system: string, limit: 'ttft' | 'tpot'): Check {
  return { kind: 'binds', claim: `${system} misses ${limit.toUpperCase()} first`, system, limit };
}

/** Rates a GPU in equal steps from the first on. */
function steps(step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => step * (i + 1));
}

const part = (
  of: Pick<Part, 'id' | 'title' | 'workload' | 'limits' | 'checks'>,
  rates: readonly number[],
  ratio: readonly [number, number],
): Part => ({
  ...of,
  requests: 1500,
  seeds: [1],
  systems: OPT_66B,
  gammas: [],
  grid: { kind: 'rate', per: 'gpu', rates },
  panels: PANELS,
  published: [],
  ratios: [
    {
      what: 'goodput a GPU, DistServe over vLLM',
      of: 'DistServe',
      to: 'vLLM',
      figure: 'goodput',
      at: null,
      published: ratio,
    },
  ],
});

const TABLE_2_RATES = [1, 1.5, 2, 2.5, 3, 3.5, 4];
const TABLE_2 = {
  'DistServe, table 2': [1, 1, 0.993, 0.873, 0.83, 0.773, 0.7],
  'vLLM, table 2': [0.97, 0.655, 0.528, 0.449, 0.367, 0.278, 0.236],
};

export const distserveFigure8: Experiment = {
  name: 'distserve-figure-8',
  title: 'DistServe, Figure 8: requests within the SLO by rate',
  source:
    'DistServe (OSDI 2024), Figure 8, table 1 (limits), appendix B (placements) and table 2; 4 nodes of 8 A100-80G, Poisson arrivals',
  published:
    'At 90 % within both limits DistServe carries 2.0 to 4.6 times as much a GPU as vLLM on chat (over OPT-13B, 66B and 175B), 5.7 times on code and 4.3 times on summarisation. vLLM misses TPOT on chat and summarisation, and TTFT on code, as DistServe does',
  reconstructed: [DISTSERVE_LENGTHS],
  leftOut: [
    'OPT-175B: its coefficients are not published.',
    'DeepSpeed-MII: not a system of this engine.',
    'KV memory moves over NVLink here, as the low-affinity placements have it; 25 Gbit/s between nodes is not crossed.',
  ],
  parts: [
    {
      ...part(
        {
          id: 'chat-13b',
          title: 'Chat, OPT-13B',
          workload: DISTSERVE_CHAT,
          limits: { ttftS: 0.25, tpotS: 0.1 },
          checks: [
            FALLS,
            AHEAD,
            binds('vLLM', 'tpot'),
            {
              kind: 'none',
              claim: 'the shares are those of table 2',
              why: 'table 2 does not say of which model and limits it is; it is drawn beside ours',
            },
          ],
        },
        steps(0.25, 16),
        [2, 4.6],
      ),
      systems: [...OPT_13B, VLLM_SAME_KERNELS],
      published: Object.entries(TABLE_2).map(([name, shares]) => ({
        name,
        figure: 'attainment',
        system: null,
        points: shares.map((y, i) => ({ x: TABLE_2_RATES[i] ?? null, y })),
      })),
    },
    part(
      {
        id: 'chat-66b',
        title: 'Chat, OPT-66B, limits of the paper',
        workload: DISTSERVE_CHAT,
        limits: { ttftS: 2.5, tpotS: 0.15 },
        checks: [FALLS, AHEAD, binds('vLLM', 'tpot')],
      },
      steps(0.0625, 16),
      [2, 4.6],
    ),
    part(
      {
        id: 'chat-66b-artifact',
        title: 'Chat, OPT-66B, limits of the artifact',
        workload: DISTSERVE_CHAT,
        limits: { ttftS: 0.4, tpotS: 0.1 },
        checks: [FALLS, AHEAD],
      },
      steps(0.0625, 16),
      [2, 4.6],
    ),
    part(
      {
        id: 'code-66b',
        title: 'Code completion, OPT-66B',
        workload: DISTSERVE_CODE,
        limits: { ttftS: 0.125, tpotS: 0.2 },
        checks: [FALLS, AHEAD, binds('vLLM', 'ttft'), binds('DistServe', 'ttft')],
      },
      steps(0.125, 17),
      [5.7, 5.7],
    ),
    part(
      {
        id: 'summarisation-66b',
        title: 'Summarisation, OPT-66B',
        workload: DISTSERVE_SUMMARISATION,
        limits: { ttftS: 15, tpotS: 0.15 },
        checks: [FALLS, AHEAD, binds('vLLM', 'tpot')],
      },
      steps(0.0625, 12),
      [4.3, 4.3],
    ),
  ],
};
