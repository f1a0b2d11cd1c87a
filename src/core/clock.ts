/**
 * Time as the product sees it: microseconds from the run's start, a double that is never rounded here.
 * Two drivers implement it: `VirtualClock` (as fast as it computes) and `WallClock` (the machine's monotonic
 * clock). Replay and the reference engine are written against this interface only, so both run on either.
 */
export interface Clock {
  /**
   * Inside a callback of `at`: the time it was due, however late the machine got to it, so that lateness never
   * accumulates. Elsewhere: the present.
   */
  now(): number;
  /** Runs `action` at `timeUs` (at once if that has passed). Equal times run in the order they were asked for. */
  at(timeUs: number, action: () => void): void;
  /** Runs until `done` says so or nothing is left to do. */
  run(done: () => boolean): Promise<void>;
  /** Virtual time stands still until `pending` settles; real time does not. */
  wait(pending: Promise<void>): void;
}
