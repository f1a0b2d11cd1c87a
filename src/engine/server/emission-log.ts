import { machineUs } from '../../core/wall-clock.ts';

const MAX_REQUESTS = 50_000;
const MAX_TIMES = 20_000_000;
const MAX_AGE_US = 3600e6;

/**
 * When each token was written to its socket, microseconds of the machine's monotonic clock: the reference for the
 * token times that a client records. Keeps requests for an hour, the last 50,000, fewer once they have 20 million times
 * (160 MB); of requests with the same id, the last one.
 */
export class EmissionLog {
  readonly #requests = new Map<string, { readonly emittedUs: readonly number[]; readonly addedUs: number }>();
  readonly #limits: EmissionLimits;
  #times = 0;

  constructor(limits: EmissionLimits = { requests: MAX_REQUESTS, times: MAX_TIMES, ageUs: MAX_AGE_US }) {
    this.#limits = limits;
  }

  add(requestId: string, emittedUs: readonly number[], nowUs = machineUs()): void {
    this.#remove(requestId);
    this.#requests.set(requestId, { emittedUs, addedUs: nowUs });
    this.#times += emittedUs.length;
    this.#forget(nowUs);
  }

  /** The line of JSON of one request; undefined if the log does not have it (any more). */
  find(requestId: string, nowUs = machineUs()): string | undefined {
    this.#forget(nowUs);
    const found = this.#requests.get(requestId);
    return found === undefined ? undefined : line(requestId, found.emittedUs);
  }

  /** A line of JSON for each request, in the order in which they ended. */
  *lines(nowUs = machineUs()): Generator<string> {
    this.#forget(nowUs);
    for (const [requestId, { emittedUs }] of this.#requests) yield line(requestId, emittedUs);
  }

  #forget(nowUs: number): void {
    const { requests, times, ageUs } = this.#limits;
    for (const [oldest, { addedUs }] of this.#requests) {
      if (this.#requests.size <= requests && this.#times <= times && addedUs >= nowUs - ageUs) break;
      this.#remove(oldest);
    }
  }

  #remove(requestId: string): void {
    this.#times -= this.#requests.get(requestId)?.emittedUs.length ?? 0;
    this.#requests.delete(requestId);
  }
}

interface EmissionLimits {
  readonly requests: number;
  readonly times: number;
  /** Since the response ended. */
  readonly ageUs: number;
}

function line(requestId: string, emittedUs: readonly number[]): string {
  return `${JSON.stringify({ request_id: requestId, emitted_us: emittedUs })}\n`;
}
