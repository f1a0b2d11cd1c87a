import type { Request } from '../../../src/core/request.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';

/** What a request got, in milliseconds; NaN where it was refused. */
export interface Simulated {
  readonly firstTokenMs: number;
  readonly lastTokenMs: number;
  readonly cachedTokens: number;
}

/**
 * Runs requests, whose due times ascend, through an engine in virtual time, without records. `onGap` hears of every time
 * between two tokens of a request.
 */
export async function simulate(
  system: string,
  requests: readonly Pick<Request, 'id' | 'dueUs' | 'inputTokens' | 'outputTokens' | 'blocks'>[],
  blockTokens = 0,
  onGap: (gapMs: number) => void = () => undefined,
): Promise<Simulated[]> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(system), { clock });
  const results = requests.map(() => ({ firstTokenMs: Number.NaN, lastTokenMs: Number.NaN, cachedTokens: 0 }));
  for (const [i, { id, dueUs, inputTokens, outputTokens, blocks }] of requests.entries()) {
    const result = results[i];
    if (result === undefined) continue;
    const content = blocks === undefined ? null : { pieces: blocks, pieceTokens: blockTokens };
    clock.at(dueUs, () =>
      engine.submit(
        { id, inputTokens, content, maxTokens: outputTokens, trueOutputTokens: outputTokens },
        {
          tokens(timeUs) {
            if (Number.isNaN(result.firstTokenMs)) result.firstTokenMs = timeUs / 1000;
            else onGap(timeUs / 1000 - result.lastTokenMs);
            result.lastTokenMs = timeUs / 1000;
          },
          end(_timeUs, { cachedTokens }) {
            result.cachedTokens = cachedTokens;
          },
          reject: () => undefined,
        },
      ),
    );
  }
  await clock.run(() => false);
  return results;
}
