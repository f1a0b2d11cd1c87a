const KEPT_REQUESTS = 50_000;
const KEPT_TIMES = 20_000_000;

/**
 * When each token was handed to its socket, in microseconds of the machine's monotonic clock: what a client's own
 * times are held against. Keeps the last 50,000 requests, or 20 million times (160 MB) where those are fewer; of
 * requests with the same id the last.
 */
export class EmissionLog {
  readonly #kept = new Map<string, readonly number[]>();
  readonly #limits: { readonly requests: number; readonly times: number };
  #times = 0;

  constructor(
    limits: { readonly requests: number; readonly times: number } = { requests: KEPT_REQUESTS, times: KEPT_TIMES },
  ) {
    this.#limits = limits;
  }

  keep(requestId: string, emittedUs: readonly number[]): void {
    this.#forget(requestId);
    this.#kept.set(requestId, emittedUs);
    this.#times += emittedUs.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limits.requests && this.#times <= this.#limits.times) break;
      this.#forget(oldest);
    }
  }

  /** The JSON of one request; undefined if it is not known (any more). */
  find(requestId: string): string | undefined {
    const emittedUs = this.#kept.get(requestId);
    return emittedUs === undefined ? undefined : line(requestId, emittedUs);
  }

  /** All of them in the order in which they ended, a line of JSON each. */
  *lines(): Generator<string> {
    for (const [requestId, emittedUs] of this.#kept) yield line(requestId, emittedUs);
  }

  #forget(requestId: string): void {
    this.#times -= this.#kept.get(requestId)?.length ?? 0;
    this.#kept.delete(requestId);
  }
}

function line(requestId: string, emittedUs: readonly number[]): string {
  return `${JSON.stringify({ request_id: requestId, emitted_us: emittedUs })}\n`;
}
