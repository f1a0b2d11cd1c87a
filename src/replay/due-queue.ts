import type { ScheduledRequest } from '../core/target.ts';

/** The places of requests taken out are dropped when there are so many of them, and half of the array is of them. */
const DROP_FROM = 1024;

/**
 * Requests in order of their due times, equal ones in the order in which they came. Nearly all come in that order, so
 * that neither end costs more than an append:
 *
 *     [ -, -, head, ..., tail ]
 *             ^ #head
 */
export class DueQueue {
  /** Undefined before the head: what was taken out, with its body, is not kept. */
  readonly #requests: (ScheduledRequest | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#requests.length - this.#head;
  }

  /** Due time of the head; Infinity when there is none. */
  get nextUs(): number {
    return this.#requests[this.#head]?.dueUs ?? Number.POSITIVE_INFINITY;
  }

  push(request: ScheduledRequest): void {
    let at = this.#requests.length;
    while (at > this.#head && (this.#requests[at - 1]?.dueUs ?? 0) > request.dueUs) at--;
    if (at === this.#requests.length) this.#requests.push(request);
    else this.#requests.splice(at, 0, request);
  }

  /** All are due `us` earlier. */
  advance(us: number): void {
    for (let at = this.#head; at < this.#requests.length; at++) {
      const request = this.#requests[at];
      if (request !== undefined) this.#requests[at] = { ...request, dueUs: request.dueUs - us };
    }
  }

  /** The requests, the head first. */
  all(): readonly ScheduledRequest[] {
    return this.#requests.filter((request) => request !== undefined);
  }

  /** Takes the head out. The queue must not be empty. */
  shift(): ScheduledRequest {
    const request = this.#requests[this.#head];
    if (request === undefined) throw new RangeError('no request is due');
    this.#requests[this.#head++] = undefined;
    if (this.#head >= DROP_FROM && this.#head * 2 >= this.#requests.length) {
      this.#requests.splice(0, this.#head);
      this.#head = 0;
    }
    return request;
  }
}
