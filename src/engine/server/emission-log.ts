const MAX_REQUESTS = 50_000;
const MAX_TIMES = 20_000_000;

/**
 * When each token was written to its socket, microseconds of the machine's monotonic clock: the reference for the
 * token times that a client records. Keeps the last 50,000 requests, fewer once they have 20 million times (160 MB);
 * of requests with the same id, the last one.
 */
export class EmissionLog {
  readonly #emittedUs = new Map<string, readonly number[]>();
  readonly #limits: { readonly requests: number; readonly times: number };
  #times = 0;

  constructor(
    limits: { readonly requests: number; readonly times: number } = { requests: MAX_REQUESTS, times: MAX_TIMES },
  ) {
    this.#limits = limits;
  }

  add(requestId: string, emittedUs: readonly number[]): void {
    this.#remove(requestId);
    this.#emittedUs.set(requestId, emittedUs);
    this.#times += emittedUs.length;
    for (const oldest of this.#emittedUs.keys()) {
      if (this.#emittedUs.size <= this.#limits.requests && this.#times <= this.#limits.times) break;
      this.#remove(oldest);
    }
  }

  /** The line of JSON of one request; undefined if the log does not have it (any more). */
  find(requestId: string): string | undefined {
    const emittedUs = this.#emittedUs.get(requestId);
    return emittedUs === undefined ? undefined : line(requestId, emittedUs);
  }

  /** A line of JSON for each request, in the order in which they ended. */
  *lines(): Generator<string> {
    for (const [requestId, emittedUs] of this.#emittedUs) yield line(requestId, emittedUs);
  }

  #remove(requestId: string): void {
    this.#times -= this.#emittedUs.get(requestId)?.length ?? 0;
    this.#emittedUs.delete(requestId);
  }
}

function line(requestId: string, emittedUs: readonly number[]): string {
  return `${JSON.stringify({ request_id: requestId, emitted_us: emittedUs })}\n`;
}
