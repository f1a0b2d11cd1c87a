import type { Slo, SloMetric } from '../core/slo.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../engine/index.ts';
import { limitUs } from '../metrics/attainment.ts';

/** A request of a simulation. */
export interface Arrival {
  readonly dueUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Judge {
  readonly limits: Slo;
  /** The simulation ends as soon as more requests than this have missed the SLO: then it is decided. */
  readonly allowedMisses: number;
}

/** How many of a simulation's requests met the SLO, by the definitions of `src/metrics`. */
export interface Tally {
  readonly requests: number;
  readonly missed: number;
  /** Requests that missed each limit; one that was refused missed all. */
  readonly missedBy: Readonly<Record<SloMetric, number>>;
  /** Mean time from due to end of the requests that ended; 0 if none did. */
  readonly meanE2eUs: number;
  /** Ended early: `missed` is what had missed by then. */
  readonly isCut: boolean;
}

/**
 * Requests through an engine in virtual time, judged as they go and without records: what a search calls again and
 * again. Due times ascend. Nothing but its arguments decides the result.
 */
export async function simulate(system: string, arrivals: readonly Arrival[], judge: Judge): Promise<Tally> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(system), { clock });
  const ttftUs = limitOf(judge.limits.ttft);
  const tpotUs = limitOf(judge.limits.tpot);
  const e2eUs = limitOf(judge.limits.e2e);
  const missedBy = { ttft: 0, tpot: 0, e2e: 0 };
  let missed = 0;
  let ended = 0;
  let refused = 0;
  let e2eSumUs = 0;

  const arrive = ({ dueUs, inputTokens, outputTokens }: Arrival): void => {
    let firstUs = -1;
    let lastUs = -1;
    engine.submit(
      { id: '', inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens },
      {
        tokens(timeUs) {
          // Whole microseconds, as in records.
          lastUs = Math.round(timeUs);
          if (firstUs >= 0) return;
          firstUs = lastUs;
          if (firstUs - dueUs <= ttftUs) return;
          missedBy.ttft++;
          missed++;
        },
        end(timeUs) {
          ended++;
          e2eSumUs += timeUs - dueUs;
          const isSlow = outputTokens > 1 && (lastUs - firstUs) / (outputTokens - 1) > tpotUs;
          const isLong = Math.round(timeUs) - dueUs > e2eUs;
          if (isSlow) missedBy.tpot++;
          if (isLong) missedBy.e2e++;
          if ((isSlow || isLong) && firstUs - dueUs <= ttftUs) missed++;
        },
        reject() {
          refused++;
          missed++;
        },
      },
    );
  };
  let next = 0;
  const send = (): void => {
    const arrival = arrivals[next++];
    if (arrival === undefined) return;
    arrive(arrival);
    const following = arrivals[next];
    if (following !== undefined) clock.at(following.dueUs, send);
  };
  clock.at(arrivals[0]?.dueUs ?? 0, send);
  await clock.run(() => missed > judge.allowedMisses);
  const isCut = missed > judge.allowedMisses;
  if (!isCut && ended + refused < arrivals.length)
    throw new Error(`${system}: ${arrivals.length - ended - refused} of ${arrivals.length} requests never ended`);
  return {
    requests: arrivals.length,
    missed,
    missedBy: { ttft: missedBy.ttft + refused, tpot: missedBy.tpot + refused, e2e: missedBy.e2e + refused },
    meanE2eUs: ended === 0 ? 0 : e2eSumUs / ended,
    isCut,
  };
}

function limitOf(limitMs: number | undefined): number {
  return limitMs === undefined ? Infinity : limitUs(limitMs);
}
