import type { Contestant, Experiment, Part } from '../experiment.ts';
import { SARATHI_ARXIV, SARATHI_CHAT } from './workloads.ts';

const ON = 'model=mistral-7b,gpu=a100-sxm-80g';
const V0: Contestant = { name: 'vLLM v0', spec: `vllm-v0,${ON}`, gpus: 1, mixes: true };
const STRICT: Contestant = { name: 'Sarathi 512', spec: `sarathi,token_budget=512,${ON}`, gpus: 1, mixes: true };
const RELAXED: Contestant = { name: 'Sarathi 2048', spec: `sarathi,token_budget=2048,${ON}`, gpus: 1, mixes: true };
/** Ideal, and what splitwise-sim takes. */
const GAMMAS = [1, 1.1];

/** `busy`: rates at which more than one token in a hundred waits for a prompt of another request. */
const tail = (
  of: Pick<Part, 'id' | 'title' | 'workload'>,
  light: readonly number[],
  busy: readonly number[],
): Part => ({
  ...of,
  requests: 1500,
  seeds: [1],
  systems: [V0, STRICT, RELAXED],
  gammas: GAMMAS,
  limits: null,
  grid: { kind: 'rate', per: 'system', rates: [...light, ...busy] },
  panels: [
    { figure: 'tbt_p99_ms', title: 'P99 time between tokens', unit: 'ms', scale: 'log' },
    { figure: 'ttft_mean_s', title: 'Mean TTFT', unit: 's', scale: 'log' },
    { figure: 'queue_p50_s', title: 'P50 wait before the prompt is computed', unit: 's', scale: 'linear' },
  ],
  published: [],
  checks: [
    {
      kind: 'order',
      claim: `at ${busy.join(' and ')} requests/s P99 TBT of vLLM v0 is at least 5 times that of Sarathi with a budget of 512`,
      figure: 'tbt_p99_ms',
      systems: ['Sarathi 512', 'vLLM v0'],
      at: busy,
      factor: 5,
    },
    {
      kind: 'order',
      claim: 'a budget of 512 has a later first token than one of 2,048',
      figure: 'ttft_mean_s',
      systems: ['Sarathi 2048', 'Sarathi 512'],
    },
  ],
  ratios: [],
});

const capacity = (
  of: Pick<Part, 'id' | 'title' | 'workload'>,
  tpotS: number,
  sarathi: Contestant,
  published: readonly [number, number] | null,
): Part => ({
  ...of,
  requests: 800,
  seeds: [1],
  systems: [V0, sarathi],
  gammas: GAMMAS,
  limits: { ttftS: Number.POSITIVE_INFINITY, tpotS },
  grid: { kind: 'highest', test: 'capacity' },
  panels: [{ figure: 'goodput_rps_per_gpu', title: 'Capacity', unit: 'requests/s', scale: 'linear' }],
  published: [],
  checks: [
    {
      kind: 'order',
      claim: 'Sarathi carries more than vLLM v0',
      figure: 'goodput_rps_per_gpu',
      systems: ['vLLM v0', sarathi.name],
    },
  ],
  ratios:
    published === null
      ? []
      : [
          {
            what: 'capacity, Sarathi over vLLM',
            of: sarathi.name,
            to: 'vLLM v0',
            figure: 'goodput_rps_per_gpu',
            at: null,
            published,
          },
        ],
});

export const sarathiTail: Experiment = {
  name: 'sarathi-tail',
  title: 'Sarathi-Serve: the tail between tokens, and capacity',
  source:
    'Sarathi-Serve (OSDI 2024): Mistral-7B on one A100, budget 512 where limits are strict (P99 TBT 0.1 s) and 2,048 where they are relaxed (0.5 s); half of the requests wait 2 s at most',
  published:
    'Capacity 2.6 times that of vLLM (abstract), 3.5 times with P99 TBT within 0.1 s; vLLM’s tail between tokens is far longer, because whole prompts are computed between the tokens of others',
  reconstructed: [
    'Lengths: known by P50, P90 and deviation; the ends of the distributions are chosen, those of the inputs so that the deviation is right. The deviation stated for the outputs of openchat_sharegpt4, 101, cannot be with a P50 of 415 and a P90 of 834.',
    'The vLLM of the paper is v0 as this engine knows it: whole prompts first, no chunks.',
  ],
  leftOut: [
    'Yi-34B, LLaMA2-70B: both take 4,096 tokens by their configuration, and the data sets are longer.',
    'Falcon-180B, Orca, FasterTransformer: not in this engine.',
  ],
  parts: [
    tail({ id: 'tail-chat', title: 'By rate, openchat_sharegpt4', workload: SARATHI_CHAT }, [0.5, 1], [1.5, 2]),
    tail({ id: 'tail-arxiv', title: 'By rate, arxiv_summarization', workload: SARATHI_ARXIV }, [0.25, 0.5], [0.75, 1]),
    capacity(
      { id: 'strict-chat', title: 'Capacity with strict limits, openchat_sharegpt4', workload: SARATHI_CHAT },
      0.1,
      STRICT,
      [2.6, 3.5],
    ),
    capacity(
      { id: 'relaxed-chat', title: 'Capacity with relaxed limits, openchat_sharegpt4', workload: SARATHI_CHAT },
      0.5,
      RELAXED,
      null,
    ),
    capacity(
      { id: 'strict-arxiv', title: 'Capacity with strict limits, arxiv_summarization', workload: SARATHI_ARXIV },
      0.1,
      STRICT,
      [2.6, 3.5],
    ),
  ],
};
