import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Plan } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Target } from '../core/target.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { Manifest, StartedProcess } from '../schema/manifest.ts';
import type { PrepareOptions } from '../serving/prepare-server.ts';
import type { MetricsMonitor } from '../serving/metrics-monitor.ts';
import type { ClientSpec } from './server-client.ts';

/**
 * A target that was started or reached, detected and measured: once, for all runs that it then serves, one after
 * another.
 */
export interface TargetSession {
  /** Short name of the target, for directory names and records. */
  readonly name: string;
  /** The target's part of `run.json`. */
  readonly facts: Manifest['target'];
  /** The process that was started here; null: none was. */
  readonly started: StartedProcess | null;
  /** Resolves when the target ends by itself; never for one that was not started here. */
  readonly gone: Promise<TargetEnd>;
  /** Throws a UserError if a request of the plan can never be served: it is longer than the model's context. */
  check(plan: Plan): void;
  /** Prepares all that one run needs. One run at a time; the next after `close` of its attachment. */
  attach(plan: Plan, options: AttachOptions): Promise<Attachment>;
  /** Throws a UserError with exit code 3 where the target takes no connections any more. */
  reach(stop: AbortSignal): Promise<void>;
  /** Resolves when the target has nothing in flight any more, as far as it tells: between two runs. */
  settle(stop: AbortSignal): Promise<void>;
  /** Moves the log of a server that was started here into `dir`, unless it is already in another run's directory. */
  keepLog(dir: string): void;
  /** Ends the process that was started here. */
  close(): Promise<void>;
}

/** How a target that was started here ended by itself. */
export interface TargetEnd {
  /** A sentence. */
  readonly why: string;
  /** Whether a fault of Reprise ended it. */
  readonly isFault: boolean;
}

/** Inputs of one run besides its plan. */
export interface AttachOptions {
  /** Prefix of the ids of its calls. */
  readonly runId: string;
  /** How many clients send the plan: one in this thread, or so many in threads of their own. */
  readonly workers: number;
  /**
   * Steps on the server before the run; `firstRequests`: requests of the plan whose lengths the warm-up requests take.
   */
  readonly prepare: PrepareOptions;
  readonly firstRequests: readonly Request[];
  /** Whether polling pays at the plan's load, by the certificate of the machine; null: not known (`--poll auto`). */
  readonly pollingPays: boolean | null;
  /** As a replay has it; null: no cap. */
  readonly maxInFlight: number | null;
  /** When it aborts, preparing ends with an error. */
  readonly stop: AbortSignal;
  readonly log: Log;
}

/** A target that is ready for one run. */
export interface Attachment {
  readonly clients: AttachedClients;
  /** Null in virtual time, where there are no prompts. */
  readonly prompts: NonNullable<Manifest['prompts']> | null;
  /** The steps that were done on the server before the run. */
  readonly prepared: Manifest['prepared'];
  /** Null where the target has no metrics. */
  readonly monitor: MetricsMonitor | null;
}

/** What sends the requests: a client in this thread, or one for each thread as plain data (`openClientOf`). */
export type AttachedClients = { readonly here: Client } | { readonly threads: readonly ClientSpec[] };

/** Target, clock and schedule of one client. */
export interface Client {
  readonly target: Target;
  readonly clock: Clock;
  /** The same clock where it reads real time: only then has the client a health to monitor. */
  readonly wall: WallClock | null;
  readonly schedule: Schedule;
  /** Closes its connections, and ends what makes its requests. */
  close(): Promise<void>;
}

/** For a target that was not started here. */
export const NEVER_GONE = new Promise<never>(() => undefined);
