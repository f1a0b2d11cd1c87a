import { messageOf, UserError } from '../core/errors.ts';
import type { MeasurementWindow } from '../core/measurement-window.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Slo } from '../core/slo.ts';
import type { RequestWatcher } from '../replay/recorder.ts';
import type { ClientReport } from '../replay/unite-clients.ts';
import type { ClientProgress } from './client-progress.ts';
import type { RecentLatency } from './recent-requests.ts';

/**
 * What sends the requests of a run and records what comes of them: one client in this thread (`clientHere`), or several in
 * threads of their own (`clientThreads`).
 */
export interface Clients {
  /** Waits until each can send in time: connections, first bodies. Throws a UserError where the target takes none. */
  open(stop: AbortSignal): Promise<void>;
  /** Opens the record stores, in a run directory that is there. */
  record(): Promise<Recording>;
  /** Leaves the target: nothing is connected to it any more. */
  detach(): Promise<void>;
}

/** Clients whose record stores are open. */
export interface Recording {
  /**
   * Sends what is due until all has ended; once. `startAtUs`: the instant on `machineUs` from which due times count, not
   * used in virtual time.
   */
  replay(startAtUs: number, ending: Ending): Promise<Replayed>;
  /** Closes the stores, after `detach`: what was recorded is written. Throws a UserError where it could not be. */
  close(): Promise<void>;
  progress(): ClientProgress;
  /** What the latest requests got, at `nowUs` of the run. */
  recent(nowUs: number): RecentLatency;
  /** Time of the run. */
  nowUs(): number;
}

/** Ends a replay before its last request: no more are sent, and those in flight may end within 5 s; or they are cut. */
export interface Ending {
  readonly stop: AbortSignal;
  readonly cut: AbortSignal;
}

/** The end of a replay. */
export interface Replayed {
  /** Reason for which it stopped; null if it went to its end. */
  readonly stopped: string | null;
  /** Null in virtual time, and where it is lost. */
  readonly report: ClientReport | null;
  /** Idle time that was cut. */
  readonly idleUs: number;
  /** A fault of Reprise that ended the replay; thrown once the run is finished. */
  readonly fault: { readonly error: unknown } | null;
}

/** The end of what threw. */
export function stoppedBy(thrown: unknown): Replayed {
  const stopped = thrown instanceof UserError ? thrown.message : `a fault in reprise: ${messageOf(thrown)}`;
  return { stopped, report: null, idleUs: 0, fault: { error: thrown } };
}

/** What a client is to do, besides its requests and its target: plain data. */
export interface ClientTask {
  /** The run directory. */
  readonly dir: string;
  /** Name of the target. */
  readonly target: string;
  /** Null: the whole run is measured. */
  readonly window: MeasurementWindow | null;
  /** Null: the run is not judged. */
  readonly slo: Slo | null;
  /** Output tokens of the whole plan. */
  readonly outputTokens: number;
  /** As in `ReplayOptions`; null: no cap. */
  readonly timeoutUs: number;
  readonly ttftTimeoutUs: number;
  readonly maxInFlight: number | null;
  readonly idleCapUs: number | null;
}

/** What a search adds to a run. */
export interface ClientHooks {
  /** See the run's requests, besides its progress. */
  readonly watchers: readonly RequestWatcher[];
  /**
   * Gives the requests of the plan other due times, and may end before the last of them, in a run of one client; null: the
   * plan's own. They need not be known when the run begins.
   */
  readonly paced: ((rows: Schedule) => Schedule) | null;
}
