import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { parseEngineSpec } from '../../src/engine/index.ts';
import type { RunSink } from '../../src/replay/replay.ts';
import { simulate } from '../../src/search/simulation.ts';
import { openSource } from '../../workloads/index.ts';

/** A trace, read beforehand. */
export interface ReadTrace {
  readonly source: Source;
  readonly requests: readonly Request[];
}

export async function readTrace(path: string): Promise<ReadTrace> {
  const source = await openSource(path, { onBadRow: 'fail', onSkipped: () => undefined });
  const requests: Request[] = [];
  for await (const batch of source.open()) requests.push(...batch);
  return { source, requests };
}

/** Replays a trace against an engine in virtual time, with a sink that only counts. */
export async function countedSimulation(
  system: string,
  { source, requests }: ReadTrace,
): Promise<{ tokens: number; refused: number }> {
  let tokens = 0;
  let refused = 0;
  const sink: RunSink = {
    begin: () => undefined,
    sent: () => undefined,
    tokens: (_index, _timeUs, count) => void (tokens += count),
    hasToken: () => false,
    end: () => 'ok',
    fail: (_index, _timeUs, outcome) => {
      refused++;
      return outcome;
    },
    flush: () => undefined,
  };
  await simulate(parseEngineSpec(system), requests, sink, { blockTokens: source.blockTokens ?? null });
  return { tokens, refused };
}

/** CPU seconds of this process since `begin`, all threads. */
export function cpuSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
}
