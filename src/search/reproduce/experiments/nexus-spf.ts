import type { Contestant, Experiment, Part } from '../experiment.ts';
import type { Workload } from '../lengths.ts';
import { NEXUS_RECONSTRUCTED, QWEN_3B } from './nexus-parts.ts';
import { ARXIV, LONG_DATA_COLLECTIONS } from './workloads.ts';

const SYSTEMS: readonly Contestant[] = [
  { name: 'SPF', spec: `nexus,${QWEN_3B}`, gpus: 1, mixes: false },
  { name: 'FCFS', spec: `nexus,${QWEN_3B},scheduler=fcfs`, gpus: 1, mixes: false },
];

/** `busy`: rates at which FCFS has a mean TTFT of 10 to 100 s. */
const part = (id: string, workload: Workload, light: readonly number[], busy: readonly number[]): Part => ({
  id,
  title: `${workload.name}, Qwen 2.5 3B`,
  workload,
  requests: 1200,
  seeds: [1, 2, 3],
  systems: SYSTEMS,
  gammas: [],
  limits: null,
  grid: { kind: 'rate', per: 'system', rates: [...light, ...busy] },
  panels: [
    { figure: 'ttft_mean_s', title: 'Mean TTFT', unit: 's', scale: 'log' },
    { figure: 'ttft_p95_s', title: 'P95 TTFT', unit: 's', scale: 'log' },
  ],
  published: [],
  checks: [
    {
      kind: 'between',
      claim: `at ${busy.join(' and ')} requests/s FCFS is overloaded: its mean TTFT is 10 to 100 s`,
      figure: 'ttft_mean_s',
      system: 'FCFS',
      at: busy,
      range: [10, 100],
    },
    {
      kind: 'order',
      claim: 'under overload mean TTFT is lower with SPF',
      figure: 'ttft_mean_s',
      systems: ['SPF', 'FCFS'],
      at: busy,
    },
    {
      kind: 'order',
      claim: 'under overload P95 TTFT is not lower with SPF',
      figure: 'ttft_p95_s',
      systems: ['FCFS', 'SPF'],
      at: busy,
    },
  ],
  ratios: [],
});

export const nexusSpf: Experiment = {
  name: 'nexus-spf',
  title: 'Nexus: the shortest prompt first, in the mean and in the tail',
  source: 'Nexus (arXiv v4), section 4.3 and evaluation: one L20',
  published: 'Most of the gain in mean TTFT is the shortest prompt first, under overload; the tail pays for it',
  reconstructed: [
    ...NEXUS_RECONSTRUCTED,
    'Ageing: 15 tokens a second, as the paper has 15 without a unit; that hardly ages a prompt of thousands of tokens.',
  ],
  leftOut: [],
  parts: [
    part('ldc-3b', LONG_DATA_COLLECTIONS, [0.5, 1, 1.4], [1.6, 1.75]),
    part('arxiv-3b', ARXIV, [1, 2, 2.5], [2.7, 2.9]),
  ],
};
