import type { Limits } from '../core/slo.ts';

/** A published SLO with a name. */
interface SloProfile {
  readonly name: string;
  /** Milliseconds. */
  readonly limits: Limits;
  readonly model: string;
  readonly workload: string;
  readonly source: string;
}

const DISTSERVE = 'DistServe, OSDI 2024, table 1; the same in its artifact';

/** The only list. A change of a figure here would change the meaning of a name: add a name instead. */
export const SLO_PROFILES: readonly SloProfile[] = [
  {
    name: 'distserve-osdi-chat-opt-13b',
    limits: { ttft: 250, tpot: 100 },
    model: 'OPT-13B',
    workload: 'chat, ShareGPT',
    source: DISTSERVE,
  },
  {
    name: 'distserve-osdi-chat-opt-66b',
    limits: { ttft: 2500, tpot: 150 },
    model: 'OPT-66B',
    workload: 'chat, ShareGPT',
    source: 'DistServe, OSDI 2024, table 1; its artifact plots against 0.4 s and 0.1 s',
  },
  {
    name: 'distserve-osdi-chat-opt-66b-artifact',
    limits: { ttft: 400, tpot: 100 },
    model: 'OPT-66B',
    workload: 'chat, ShareGPT',
    source:
      'DistServe, artifact at 82831f1, evaluation/ae-scripts/e2e/_plot.py, and arXiv v1; the paper has 2.5 s and 0.15 s',
  },
  {
    name: 'distserve-osdi-chat-opt-175b',
    limits: { ttft: 4000, tpot: 200 },
    model: 'OPT-175B',
    workload: 'chat, ShareGPT',
    source: DISTSERVE,
  },
  {
    name: 'distserve-osdi-code-opt-66b',
    limits: { ttft: 125, tpot: 200 },
    model: 'OPT-66B',
    workload: 'code completion, HumanEval',
    source: DISTSERVE,
  },
  {
    name: 'distserve-osdi-summarisation-opt-66b',
    limits: { ttft: 15_000, tpot: 150 },
    model: 'OPT-66B',
    workload: 'summarisation, LongBench',
    source: DISTSERVE,
  },
  ...sarathi('mistral-7b', 'Mistral-7B', 100, 500),
  ...sarathi('yi-34b', 'Yi-34B', 200, 1000),
  ...sarathi('llama-2-70b', 'LLaMA2-70B', 1000, 5000),
  ...sarathi('falcon-180b', 'Falcon-180B', 1000, 5000),
];

/** Published for P99 of all gaps between tokens (TBT) of a run, 5 and 25 times that of a reference batch. */
function sarathi(name: string, model: string, strictMs: number, relaxedMs: number): SloProfile[] {
  const workload = 'openchat_sharegpt4 and arxiv_summarization';
  const source =
    "Sarathi-Serve, OSDI 2024, as notes on it say: P99 of TBT; here each request's TPOT, a mean, which is easier to meet";
  return [
    { name: `sarathi-strict-${name}`, limits: { tpot: strictMs }, model, workload, source },
    { name: `sarathi-relaxed-${name}`, limits: { tpot: relaxedMs }, model, workload, source },
  ];
}
