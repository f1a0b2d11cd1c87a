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
  const sink = new CountingSink();
  await simulate(parseEngineSpec(system), requests, sink, { blockTokens: source.blockTokens ?? null });
  return { tokens: sink.count, refused: sink.refused };
}

class CountingSink implements RunSink {
  count = 0;
  refused = 0;

  begin(): void {}

  sent(): void {}

  tokens(_index: number, _timeUs: number, count: number): void {
    this.count += count;
  }

  hasToken(): boolean {
    return false;
  }

  end(): 'ok' {
    return 'ok';
  }

  fail(): 'rejected' {
    this.refused++;
    return 'rejected';
  }

  flush(): void {}
}

/** CPU seconds of this process since `begin`, all threads. */
export function cpuSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
}
