import type { Check, Contestant, Experiment, Part, Ratio } from '../experiment.ts';
import type { FigureName } from '../figures.ts';
import { LLAMA_8B, NEXUS_RECONSTRUCTED } from './nexus-parts.ts';
import { MIXED } from './workloads.ts';

const variant = (name: string, scheduler: 'fcfs' | 'spf', shares: string): Contestant => ({
  name,
  spec: `nexus,${LLAMA_8B},scheduler=${scheduler},shares=${shares}`,
  gpus: 1,
  mixes: false,
});

const NEITHER = 'FCFS, static';
const SHARES = 'FCFS, dynamic';
const SPF = 'SPF, static';
const BOTH = 'SPF, dynamic';

const CHANGES: readonly [claim: string, of: string, to: string, figure: FigureName, change: number][] = [
  ['dynamic shares with FCFS lower mean TBT', SHARES, NEITHER, 'tbt_mean_ms', -0.14],
  ['dynamic shares with FCFS raise mean TTFT', SHARES, NEITHER, 'ttft_mean_s', 0.3],
  ['SPF alone lowers mean TTFT', SPF, NEITHER, 'ttft_mean_s', -0.9],
  ['both together have a mean TTFT below that of SPF alone', BOTH, SPF, 'ttft_mean_s', -0.23],
  ['both together have a mean TBT below that of SPF alone', BOTH, SPF, 'tbt_mean_ms', -0.26],
];

const rounded = (ratio: number): number => Number(ratio.toFixed(2));

const SIGNS: Check[] = CHANGES.map(([claim, of, to, figure, change]) => ({
  kind: 'order',
  claim,
  figure,
  systems: change < 0 ? [of, to] : [to, of],
}));

const RATIOS: Ratio[] = CHANGES.map(([, of, to, figure, change]) => ({
  what: `mean ${figure === 'ttft_mean_s' ? 'TTFT' : 'TBT'}, ${of} over ${to}`,
  of,
  to,
  figure,
  at: null,
  published: [rounded(1 + change), rounded(1 + change)],
}));

/** `share`: percent of the processors that compute prompts where shares are static. */
const part = (share: number): Part => ({
  id: `static-${share}`,
  title: `Static shares of ${share} % for prompts and ${100 - share} % for decodes`,
  workload: MIXED,
  requests: 1200,
  seeds: [1],
  systems: [
    variant(NEITHER, 'fcfs', `static,prefill_share=${share}`),
    variant(SHARES, 'fcfs', 'dynamic'),
    variant(SPF, 'spf', `static,prefill_share=${share}`),
    variant(BOTH, 'spf', 'dynamic'),
  ],
  gammas: [],
  limits: null,
  grid: { kind: 'rate', per: 'system', rates: [1.5, 2, 2.5] },
  panels: [
    { figure: 'ttft_mean_s', title: 'Mean TTFT', unit: 's', scale: 'log' },
    { figure: 'tbt_mean_ms', title: 'Mean time between tokens', unit: 'ms', scale: 'linear' },
  ],
  published: [],
  checks: [
    ...SIGNS,
    {
      kind: 'order',
      claim: 'SPF alone makes mean TBT worse, by 1 % at least',
      figure: 'tbt_mean_ms',
      systems: [NEITHER, SPF],
      factor: 1.01,
    },
  ],
  ratios: RATIOS,
});

export const nexusAblation: Experiment = {
  name: 'nexus-ablation',
  title: 'Nexus: what its two parts do',
  source: 'Nexus (arXiv v4), ablation: Mixed, Llama 3.1 8B, one L20',
  published:
    'Dynamic shares with FCFS: TBT -14 %, TTFT +30 %. SPF alone: TTFT up to -90 %, TBT worse. Both, against SPF alone: TTFT -23 %, TBT -26 %',
  reconstructed: [
    ...NEXUS_RECONSTRUCTED,
    'The static shares of the paper are not given: three are tried. With much of the GPU for prompts, dynamic shares take from the TTFT and give to the TBT, as published; then both together are slower to a first token than SPF alone, which is not. SPF changes no TBT here, for decodes run on a share of their own whatever prompt comes first.',
    'The rate of the ablation is not given: each change is judged at every rate here.',
  ],
  leftOut: ['FastServe, whose requests time out in the paper: not a system of this engine.'],
  parts: [50, 65, 80].map(part),
};
