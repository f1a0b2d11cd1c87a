import type { Check, Experiment, Panel, Part, Ratio } from '../experiment.ts';
import { LLAMA_8B, NEXUS_GAMMAS, NEXUS_RECONSTRUCTED, nexusAndOthers, QWEN_14B, QWEN_3B } from './nexus-parts.ts';
import { ARXIV, LONG_DATA_COLLECTIONS, MIXED } from './workloads.ts';

const PANELS: readonly Panel[] = [
  { figure: 'ttft_mean_s', title: 'Mean TTFT', unit: 's', scale: 'log' },
  { figure: 'ttft_p95_s', title: 'P95 TTFT', unit: 's', scale: 'log' },
  { figure: 'tbt_mean_ms', title: 'Mean time between tokens', unit: 'ms', scale: 'log' },
  { figure: 'normalised_mean_s', title: 'Mean normalised latency', unit: 's a token', scale: 'log' },
];

function below(figure: Panel['figure'], what: string, at: readonly number[], other = 'vLLM v1'): Check {
  return {
    kind: 'order',
    claim: `${what} of Nexus is below that of ${other}`,
    figure,
    systems: ['Nexus', other],
    at,
  };
}

function ratio(
  figure: Panel['figure'],
  what: string,
  at: readonly number[],
  published: readonly [number, number],
  other = 'vLLM v1',
): Ratio {
  return { what: `${what}, ${other} over Nexus`, of: other, to: 'Nexus', figure, at, published };
}

const THROUGHPUT: Check = {
  kind: 'none',
  claim: 'Nexus carries 1.5 to 2.2 times as much as vLLM and 1.18 to 2 times as much as SGLang',
  why: 'the token latency limits by which the paper counts throughput are not given',
};

type Own = Pick<Part, 'id' | 'title' | 'workload' | 'systems' | 'checks' | 'ratios'>;

const part = (own: Own, rates: readonly number[]): Part => ({
  ...own,
  requests: 1200,
  seeds: [1],
  gammas: NEXUS_GAMMAS,
  limits: null,
  grid: { kind: 'rate', per: 'system', rates },
  panels: PANELS,
  published: [],
});

const LDC_RATES = [1, 1.5, 2];
const ARXIV_RATES = [1.5, 2.5];
const MIXED_RATES = [1.5, 2, 2.5];
const PD_BEST: Check = {
  kind: 'order',
  claim: 'mean TBT is least with a GPU for each phase, then of Nexus, then of vLLM',
  figure: 'tbt_mean_ms',
  systems: ['vLLM P/D', 'Nexus', 'vLLM v1'],
};

export const nexusLatency: Experiment = {
  name: 'nexus-latency',
  title: 'Nexus: TTFT, time between tokens and normalised latency by rate',
  source: 'Nexus (arXiv v4), evaluation: L20 48 GB, Poisson arrivals, 1 to 4 requests/s',
  published:
    'Against vLLM v1 mean TTFT is 2 to 20 times lower, P95 TTFT 2 to 3 times (the tail of Mixed is worse), and vLLM’s mean TBT 1.24 to 1.48 times that of Nexus. P/D on two GPUs has the best TBT and a TTFT within 10 %; SGLang’s TBT is slightly better on ArXiv. On 14B and two GPUs TTFT is 2 to 3 and TBT 1.5 to 2 times lower than vLLM’s, and P/D does poorly',
  reconstructed: [
    ...NEXUS_RECONSTRUCTED,
    'SGLang computes prompts in batches of their own here, during which no token comes: with prompts of thousands of tokens its mean TBT cannot be as low as that of decodes on a share of their own.',
  ],
  leftOut: [
    'Published values by rate: the figures are images here, so that ratios and ranges are compared.',
    'FastServe: not a system of this engine. Offline makespans: how many requests they have is not known here.',
  ],
  parts: [
    part(
      {
        id: 'ldc-3b',
        title: 'Long Data Collections, Qwen 2.5 3B',
        workload: LONG_DATA_COLLECTIONS,
        systems: nexusAndOthers(QWEN_3B),
        checks: [
          below('ttft_mean_s', 'mean TTFT', LDC_RATES),
          below('ttft_p95_s', 'P95 TTFT', LDC_RATES),
          below('tbt_mean_ms', 'mean TBT', LDC_RATES),
          PD_BEST,
          THROUGHPUT,
        ],
        ratios: [
          ratio('ttft_mean_s', 'mean TTFT', LDC_RATES, [2, 20]),
          ratio('ttft_p95_s', 'P95 TTFT', LDC_RATES, [2, 3]),
          ratio('tbt_mean_ms', 'mean TBT', LDC_RATES, [1.24, 1.48]),
          ratio('ttft_mean_s', 'mean TTFT', LDC_RATES, [0.9, 1.1], 'vLLM P/D'),
          ratio('ttft_mean_s', 'mean TTFT', LDC_RATES, [1, 1.6], 'SGLang'),
        ],
      },
      [0.5, 1, 1.5, 2, 2.5],
    ),
    part(
      {
        id: 'arxiv-3b',
        title: 'ArXiv, Qwen 2.5 3B',
        workload: ARXIV,
        systems: nexusAndOthers(QWEN_3B),
        checks: [
          below('ttft_mean_s', 'mean TTFT', ARXIV_RATES),
          below('ttft_p95_s', 'P95 TTFT', ARXIV_RATES),
          below('tbt_mean_ms', 'mean TBT', ARXIV_RATES),
          {
            kind: 'order',
            claim: 'mean TBT of SGLang is slightly below that of Nexus',
            figure: 'tbt_mean_ms',
            systems: ['SGLang', 'Nexus'],
          },
          PD_BEST,
          THROUGHPUT,
        ],
        ratios: [
          ratio('ttft_mean_s', 'mean TTFT', ARXIV_RATES, [2, 20]),
          ratio('ttft_p95_s', 'P95 TTFT', ARXIV_RATES, [2, 3]),
          ratio('tbt_mean_ms', 'mean TBT', ARXIV_RATES, [1.24, 1.48]),
          ratio('ttft_mean_s', 'mean TTFT', ARXIV_RATES, [0.9, 1.1], 'vLLM P/D'),
          ratio('ttft_mean_s', 'mean TTFT', ARXIV_RATES, [1, 1.6], 'SGLang'),
        ],
      },
      [1, 1.5, 2, 2.5, 3, 3.5],
    ),
    part(
      {
        id: 'mixed-8b',
        title: 'Mixed, Llama 3.1 8B',
        workload: MIXED,
        systems: nexusAndOthers(LLAMA_8B),
        checks: [
          below('ttft_mean_s', 'mean TTFT', MIXED_RATES),
          {
            kind: 'order',
            claim: 'P95 TTFT of Nexus is above that of vLLM',
            figure: 'ttft_p95_s',
            systems: ['vLLM v1', 'Nexus'],
            at: MIXED_RATES,
          },
          below('tbt_mean_ms', 'mean TBT', MIXED_RATES),
          THROUGHPUT,
        ],
        ratios: [
          ratio('ttft_mean_s', 'mean TTFT', MIXED_RATES, [2, 20]),
          ratio('tbt_mean_ms', 'mean TBT', MIXED_RATES, [1.24, 1.48]),
          ratio('ttft_mean_s', 'mean TTFT', MIXED_RATES, [1, 1.6], 'SGLang'),
        ],
      },
      [1, 1.5, 2, 2.5, 3],
    ),
    part(
      {
        id: 'mixed-14b',
        title: 'Mixed, Qwen 2.5 14B on two GPUs',
        workload: MIXED,
        systems: nexusAndOthers(QWEN_14B, 2),
        checks: [
          below('ttft_mean_s', 'mean TTFT', MIXED_RATES),
          below('tbt_mean_ms', 'mean TBT', MIXED_RATES),
          below('ttft_mean_s', 'mean TTFT', MIXED_RATES, 'vLLM P/D'),
          THROUGHPUT,
        ],
        ratios: [
          ratio('ttft_mean_s', 'mean TTFT', MIXED_RATES, [2, 3]),
          ratio('tbt_mean_ms', 'mean TBT', MIXED_RATES, [1.5, 2]),
        ],
      },
      [1, 1.5, 2, 2.5, 3],
    ),
  ],
};
