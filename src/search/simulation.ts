import type { Request } from '../core/request.ts';
import { scheduledByTrace, traceOrder } from '../core/schedule.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { createEngine, engineTarget, type EngineSpec } from '../engine/index.ts';
import { replay, type RunSink } from '../replay/replay.ts';

export interface SimulationOptions {
  /** Tokens of a prefix block, where the requests have blocks; null: they share no prefixes. */
  readonly blockTokens?: number | null;
  /** Ends the simulation as soon as it returns true. */
  readonly isDecided?: () => boolean;
}

const BATCH = 1024;
const NEVER_ABORTED = new AbortController().signal;
const WITHOUT_LIMITS = {
  timeoutUs: Infinity,
  ttftTimeoutUs: Infinity,
  stop: NEVER_ABORTED,
  cut: NEVER_ABORTED,
  graceUs: 0,
};

/**
 * Replays requests, in order of due time, against a new engine in virtual time, without records: the step that a search
 * repeats. `sink` receives their events, which depend on the arguments alone.
 */
export async function simulate(
  engine: EngineSpec,
  requests: readonly Request[],
  sink: RunSink,
  { blockTokens = null, isDecided = () => false }: SimulationOptions = {},
): Promise<void> {
  const clock = new VirtualClock();
  const target = engineTarget(createEngine(engine, { clock }), clock, blockTokens);
  const stopped = await replay(traceOrder(inBatches(requests)), target, clock, sink, { ...WITHOUT_LIMITS, isDecided });
  if (stopped !== null) throw new Error(`${engine.system}: the simulation stopped: ${stopped}`);
}

async function* inBatches(requests: readonly Request[]): AsyncGenerator<ScheduledRequest[]> {
  for (let from = 0; from < requests.length; from += BATCH)
    yield requests.slice(from, from + BATCH).map((request, i) => scheduledByTrace(from + i, request));
}
