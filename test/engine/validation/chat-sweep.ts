import { SILENT } from '../../../src/core/log.ts';
import { parseNumbers } from '../../../src/core/number-list.ts';
import { parseSloScales } from '../../../src/core/slo-scales.ts';
import { defineRun } from '../../../src/run/run-options.ts';
import type { SweepReport } from '../../../src/schema/sweep.ts';
import { shared } from '../../shared.ts';
import { sweep } from '../../../src/search/sweep/sweep.ts';

const ON = 'model=opt-13b,gpu=a100-sxm-80g';

/** OPT-13B for chat, as published: each system with the coefficients of its own engine, by its name in the sweep. */
const CHAT_TARGETS = [
  `reference:distserve,${ON},cost=distserve,prefill.tp=2`,
  `reference:vllm-v0,${ON},cost=vllm`,
] as const;

/**
 * The workload that DistServe's simulator was run on. 15 of its 1,000 requests are one token longer than the model takes, and
 * are refused: with their outputs cut by one token distserve carries 1.80 requests/s a GPU in place of 1.92, and the order
 * changes between the same scales.
 */
export const CHAT = 'oracles/simdistserve/opt13b-chat-rate1.trace.csv';

/** The grid of DistServe's Figures 8 and 9, in a folder that keeps its runs. */
export async function sweepChat(dir: string, workers: number): Promise<SweepReport> {
  const workload = shared(CHAT).path;
  const never = new AbortController().signal;
  const slo = 'ttft=250ms,tpot=100ms';
  return sweep(
    {
      targets: CHAT_TARGETS.map(
        (target) => (rateRps, out) =>
          defineRun({ workload, target, clock: 'virtual', slo, out, ...(rateRps === null ? {} : { rate: rateRps }) }),
      ),
      dir,
      rates: parseNumbers('0.25..4/0.25', '--rates'),
      perGpu: true,
      sloScales: parseSloScales('0.6..2'),
      gpus: [],
    },
    {
      begins: () => undefined,
      measured: () => undefined,
      started: () => undefined,
      nowIso: () => new Date().toISOString(),
      newSalt: () => '',
      log: SILENT,
      stop: never,
      cut: never,
      workers,
      thread: new URL('../../../src/commands/sweep-worker.ts', import.meta.url),
    },
  );
}
