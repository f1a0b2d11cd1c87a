import type { Request } from '../core/request.ts';
import type { ResponseInfo, ScheduledRequest } from '../core/target.ts';
import { parseEngineSpec } from '../engine/index.ts';
import type { RunSink } from '../replay/replay.ts';
import { simulate } from './simulation.ts';

/** What one request of a simulation got. Times are microseconds, not rounded; NaN where it was refused. */
export interface SimulatedTimes {
  readonly dueUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly cachedTokens: number;
  /** From its due time until its prompt is first computed; NaN where the system does not tell. */
  readonly queueUs: number;
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

type Timed = { -readonly [key in keyof SimulatedTimes]: SimulatedTimes[key] } & { readonly id: string };

class TimesLog implements RunSink {
  readonly times: Timed[] = [];
  readonly #onGap: (gapUs: number) => void;
  readonly #onRefused: (id: string, why: string) => void;

  constructor({ onGap = () => undefined, onRefused = () => undefined }: SimulatedOptions) {
    this.#onGap = onGap;
    this.#onRefused = onRefused;
  }

  begin({ index, request, dueUs }: ScheduledRequest): void {
    const unknown = { firstUs: Number.NaN, lastUs: Number.NaN, cachedTokens: 0, queueUs: Number.NaN };
    this.times[index] = { id: request.id, dueUs, ...unknown };
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

  end(index: number, _timeUs: number, { cachedTokens, phases }: ResponseInfo): 'ok' {
    const times = this.#of(index);
    times.cachedTokens = cachedTokens ?? 0;
    times.queueUs = phases?.prefill_queue_us ?? Number.NaN;
    return 'ok';
  }

  fail(index: number, _timeUs: number, _outcome: string, error: string): 'rejected' {
    this.#onRefused(this.#of(index).id, error);
    return 'rejected';
  }

  flush(): void {}

  #of(index: number): Timed {
    const times = this.times[index];
    if (times === undefined) throw new Error(`request number ${index} has not begun`);
    return times;
  }
}
