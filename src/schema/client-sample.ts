/**
 * The client's health over one second of a run, all workers together: a row of `client.parquet`. Counts are totals since
 * the run's start.
 */
export interface ClientSample {
  /** End of the second, microseconds from the run's start. */
  readonly time_us: number;
  readonly in_flight: number;
  readonly due: number;
  readonly sent: number;
  readonly tokens: number;
  /** Worst of this second, of any worker: sent - due less connecting, and the event loop's delay. */
  readonly lateness_max_us: number;
  readonly event_loop_delay_max_us: number;
  /** CPU of this second, all threads; of it, polling, and reading what arrived (null: an older run). */
  readonly cpu_us: number;
  readonly polling_us: number;
  readonly reading_us: number | null;
  /** How long of this second the worker that waited longest was ready and had no core; null where the kernel does not tell. */
  readonly core_wait_us: number | null;
  /** Pauses of garbage collection in this second; null: an older run. */
  readonly gc_us: number | null;
  /** The longest time between two polls of the sockets, in which bytes wait unread; 0 up to 1 ms; null: an older run. */
  readonly unread_max_us: number | null;
  /** Null where the system does not tell, as where /proc is hidden. */
  readonly rss_bytes: number | null;
}
