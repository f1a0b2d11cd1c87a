import type { Request } from '../../src/core/request.ts';
import type { Source } from '../../src/core/plan.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
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

/** Runs a trace through an engine in virtual time, with a listener that only counts. */
export async function simulate(
  system: string,
  { source, requests }: ReadTrace,
): Promise<{ tokens: number; refused: number }> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(system), { clock });
  let tokens = 0;
  let refused = 0;
  const listener = {
    tokens: (_timeUs: number, count: number) => (tokens += count),
    end: () => undefined,
    reject: () => refused++,
  };
  let next = 0;
  const send = (): void => {
    const request = requests[next++];
    if (request === undefined) return;
    const { id, inputTokens, outputTokens, blocks } = request;
    const content =
      blocks === undefined || source.blockTokens === undefined
        ? null
        : { pieces: blocks, pieceTokens: source.blockTokens };
    engine.submit({ id, inputTokens, content, maxTokens: outputTokens, trueOutputTokens: outputTokens }, listener);
    const following = requests[next];
    if (following !== undefined) clock.at(following.dueUs, send);
  };
  clock.at(requests[0]?.dueUs ?? 0, send);
  await clock.run(() => false);
  return { tokens, refused };
}

/** CPU seconds of this process since `begin`, all threads. */
export function cpuSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
}
