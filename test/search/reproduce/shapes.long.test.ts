import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { it } from 'node:test';
import { EXPERIMENTS } from '../../../src/search/reproduce/experiments/index.ts';
import { reproduce } from '../../../src/search/reproduce/reproduce.ts';

/** Published shapes that ours does not have, by experiment, part and penalty: one that changes sides is noticed. */
const OTHERWISE: readonly string[] = [
  'distserve-figure-8, chat-13b: vLLM misses TPOT first',
  'distserve-placement, chat-13b: prompts are computed on TP 2 and decodes on TP 1',
  'distserve-placement, chat-66b: prompts are computed on TP 4 and decodes on TP 2, PP 2',
  'distserve-placement, code-66b: prompts are computed on TP 4 and decodes on TP 2, PP 2',
  'distserve-placement, summarisation-66b: prompts are computed on TP 4 and decodes on TP 2, PP 2',
  'nexus-latency, ldc-3b, gamma 1: mean TTFT of Nexus is below that of vLLM v1',
  'nexus-latency, ldc-3b, gamma 1: P95 TTFT of Nexus is below that of vLLM v1',
  'nexus-latency, arxiv-3b, gamma 1: mean TTFT of Nexus is below that of vLLM v1',
  'nexus-latency, arxiv-3b, gamma 1: P95 TTFT of Nexus is below that of vLLM v1',
  'nexus-latency, arxiv-3b, gamma 1: mean TBT of SGLang is slightly below that of Nexus',
  'nexus-latency, arxiv-3b, gamma 1.8: mean TBT of SGLang is slightly below that of Nexus',
  'nexus-latency, mixed-8b, gamma 1.8: P95 TTFT of Nexus is above that of vLLM',
  'nexus-ablation, static-50: dynamic shares with FCFS lower mean TBT',
  'nexus-ablation, static-50: dynamic shares with FCFS raise mean TTFT',
  'nexus-ablation, static-50: both together have a mean TBT below that of SPF alone',
  'nexus-ablation, static-50: SPF alone makes mean TBT worse, by 1 % at least',
  'nexus-ablation, static-65: dynamic shares with FCFS lower mean TBT',
  'nexus-ablation, static-65: dynamic shares with FCFS raise mean TTFT',
  'nexus-ablation, static-65: both together have a mean TBT below that of SPF alone',
  'nexus-ablation, static-65: SPF alone makes mean TBT worse, by 1 % at least',
  'nexus-ablation, static-80: both together have a mean TTFT below that of SPF alone',
  'nexus-ablation, static-80: SPF alone makes mean TBT worse, by 1 % at least',
];

it('the published shapes that hold are these', async (t) => {
  const hooks = { progress: () => undefined, workers: availableParallelism(), stop: new AbortController().signal };
  const { experiments, simulations } = await reproduce(EXPERIMENTS, hooks);
  t.diagnostic(`${simulations} simulations`);
  const otherwise = experiments.flatMap(({ name, parts }) =>
    parts.flatMap(({ id, checks }) =>
      checks
        .filter(({ verdict }) => verdict === 'does-not-hold')
        .map(({ claim, gamma }) => `${name}, ${id}${gamma === null ? '' : `, gamma ${gamma}`}: ${claim}`),
    ),
  );
  assert.deepEqual(otherwise, OTHERWISE);
});
