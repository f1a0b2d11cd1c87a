/**
 * Time in a run: microseconds from the run's start, as a double that is never rounded here.
 * Two drivers implement it: `VirtualClock` (as fast as it computes) and `WallClock` (the machine's monotonic clock).
 * Replay and the reference engine are written against this interface only, so both run on either.
 */
export interface Clock {
  /**
   * Inside a callback of `at`: the callback's due time, however late the machine runs it, so that lateness never
   * accumulates. Elsewhere: the present.
   */
  now(): number;
  /** The present, also inside a callback of `at`. */
  read(): number;
  /** Runs `action` at `timeUs` (at once if that has passed). Actions at equal times run in the order of the calls. */
  at(timeUs: number, action: () => void): void;
  /** Runs until `done` returns true or no action is left. */
  run(done: () => boolean): Promise<void>;
  /** Virtual time stands still until `pending` settles; real time does not. */
  wait(pending: Promise<void>): void;
}
