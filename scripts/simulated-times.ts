import type { Request } from '../src/core/request.ts';
import type { ResponseInfo, ScheduledRequest } from '../src/core/target.ts';
import { parseEngineSpec } from '../src/engine/index.ts';
import type { RunSink } from '../src/replay/replay.ts';
import { simulate } from '../src/search/simulation.ts';

/** What one request of a simulation got. Times are microseconds, not rounded; NaN where it was refused. */
export interface SimulatedTimes {
  readonly dueUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly cachedTokens: number;
}

export interface SimulatedOptions {
  /** Tokens of a prefix block, where the requests have blocks. */
  readonly blockTokens?: number | null;
  /** Hears of every time between two tokens of a request. */
  readonly onGap?: (gapUs: number) => void;
  /** Hears why a request was refused; otherwise its times are NaN. */
  readonly onRefused?: (id: string, why: string) => void;
}

/** Replays requests, whose due times ascend, against a system in virtual time: when each one's tokens came. */
export async function simulatedTimes(
  system: string,
  requests: readonly Omit<Request, 'traceRow'>[],
  { blockTokens = null, ...hooks }: SimulatedOptions = {},
): Promise<readonly SimulatedTimes[]> {
  const log = new TimesLog(hooks);
  const rows = requests.map((request, i) => ({ ...request, traceRow: i + 1 }));
  await simulate(parseEngineSpec(system), rows, log, { blockTokens });
  return log.times;
}

class TimesLog implements RunSink {
  readonly times: (SimulatedTimes & { firstUs: number; lastUs: number; cachedTokens: number; readonly id: string })[] =
    [];
  readonly #onGap: (gapUs: number) => void;
  readonly #onRefused: (id: string, why: string) => void;

  constructor({ onGap = () => undefined, onRefused = () => undefined }: SimulatedOptions) {
    this.#onGap = onGap;
    this.#onRefused = onRefused;
  }

  begin({ index, request, dueUs }: ScheduledRequest): void {
    this.times[index] = { id: request.id, dueUs, firstUs: Number.NaN, lastUs: Number.NaN, cachedTokens: 0 };
  }

  sent(): void {}

  tokens(index: number, timeUs: number): void {
    const times = this.#of(index);
    if (Number.isNaN(times.firstUs)) times.firstUs = timeUs;
    else this.#onGap(timeUs - times.lastUs);
    times.lastUs = timeUs;
  }

  hasToken(index: number): boolean {
    return !Number.isNaN(this.#of(index).firstUs);
  }

  end(index: number, _timeUs: number, { cachedTokens }: ResponseInfo): 'ok' {
    this.#of(index).cachedTokens = cachedTokens ?? 0;
    return 'ok';
  }

  fail(index: number, _timeUs: number, _outcome: string, error: string): 'rejected' {
    this.#onRefused(this.#of(index).id, error);
    return 'rejected';
  }

  flush(): void {}

  #of(index: number) {
    const times = this.times[index];
    if (times === undefined) throw new Error(`request number ${index} has not begun`);
    return times;
  }
}
