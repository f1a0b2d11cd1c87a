import type { Experiment, Part } from '../experiment.ts';
import type { Workload } from '../lengths.ts';
import { LLAMA_8B, NEXUS_RECONSTRUCTED, QWEN_3B, VLLM_V1 } from './nexus-parts.ts';
import { ARXIV, LONG_DATA_COLLECTIONS, MIXED } from './workloads.ts';

const part = (
  own: { readonly id: string; readonly title: string; readonly workload: Workload },
  on: string,
  rateRps: number,
): Part => ({
  ...own,
  requests: 1200,
  seeds: [1, 2, 3],
  systems: [
    { name: 'Nexus', spec: `nexus,${on}`, gpus: 1, mixes: false },
    { name: 'vLLM v1', spec: `${VLLM_V1},${on}`, gpus: 1, mixes: true },
  ],
  gammas: [],
  limits: null,
  grid: { kind: 'gamma', rateRps, gammas: [1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.6, 1.8] },
  panels: [
    { figure: 'ttft_mean_s', title: `Mean TTFT at ${rateRps} requests/s`, unit: 's', scale: 'log' },
    { figure: 'tbt_mean_ms', title: `Mean time between tokens at ${rateRps} requests/s`, unit: 'ms', scale: 'log' },
  ],
  published: [],
  checks: [
    {
      kind: 'crossing',
      claim:
        'vLLM v1 has the lower mean TTFT with ideal mixed batches, and Nexus with those of its measurement: they flip once, below 1.7',
      figure: 'ttft_mean_s',
      first: 'vLLM v1',
      second: 'Nexus',
      within: [1, 1.7],
    },
  ],
  ratios: [],
});

export const nexusGamma: Experiment = {
  name: 'nexus-gamma',
  title: 'Nexus against chunked prefill, by what a mixed batch costs',
  source:
    'Nexus (arXiv v4), motivation: Qwen 2.5 3B on an L20, a prefill of 132 ms and a decode of 15 ms take 251 ms in one batch, 1.7 times their sum',
  published: 'That a batch of both phases costs more than the two apart is what the gain of separate shares rests on',
  reconstructed: [
    ...NEXUS_RECONSTRUCTED,
    'mixed_batch_penalty is one factor on the time of every batch of both phases, of whatever proportions.',
  ],
  leftOut: [],
  parts: [
    part({ id: 'ldc-3b', title: 'Long Data Collections, Qwen 2.5 3B', workload: LONG_DATA_COLLECTIONS }, QWEN_3B, 1),
    part({ id: 'arxiv-3b', title: 'ArXiv, Qwen 2.5 3B', workload: ARXIV }, QWEN_3B, 1.5),
    part({ id: 'mixed-8b', title: 'Mixed, Llama 3.1 8B', workload: MIXED }, LLAMA_8B, 1),
  ],
};
