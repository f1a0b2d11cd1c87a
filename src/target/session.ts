import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Plan } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Shard } from '../core/shard.ts';
import type { Target } from '../core/target.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { PrepareOptions } from '../serving/prepare-server.ts';
import type { MetricsMonitor } from '../serving/metrics-monitor.ts';

/**
 * A target that was started or reached, asked what it is, and measured: all that is done once, however many runs it
 * then serves, one after another.
 */
export interface TargetSession {
  /** Short name of the target, for directory names and records. */
  readonly name: string;
  /** What `run.json` says of it. */
  readonly facts: Manifest['target'];
  /** Resolves when the target ends by itself; never for one that is not ours to end. */
  readonly gone: Promise<TargetEnd>;
  /** Throws a UserError if a request of the plan can never be served: it is longer than the model's context. */
  check(plan: Plan): void;
  /** Makes everything ready that one run needs. One run at a time; the next after `close` of this one. */
  attach(plan: Plan, options: AttachOptions): Promise<Attachment>;
  /** Moves the log of a server that was started here into `dir`, if it is not in another run's directory already. */
  keepLog(dir: string): void;
  /** Ends what was started here. */
  close(): Promise<void>;
}

/** How a target of ours ended by itself. */
export interface TargetEnd {
  /** A sentence. */
  readonly why: string;
  /** It was a fault of Reprise. */
  readonly isFault: boolean;
}

/** What a run adds to its plan. */
export interface AttachOptions {
  /** Prefix of the ids that its calls carry. */
  readonly runId: string;
  /** The part of the plan that this client sends. */
  readonly shard: Shard;
  /** What is done to the server before it; `firstRequests`: of the plan, which warm-up requests are as long as. */
  readonly prepare: PrepareOptions;
  readonly firstRequests: readonly Request[];
  readonly log: Log;
}

/** What one run replays against: a target on a clock, and the requests that it will be sent. */
export interface Attachment {
  readonly target: Target;
  readonly clock: Clock;
  /** The same clock where it reads real time: only then has the client a health of its own to watch. */
  readonly wall: WallClock | null;
  readonly schedule: Schedule;
  /** Null in virtual time, where there are no prompts. */
  readonly prompts: NonNullable<Manifest['prompts']> | null;
  /** What was done to the server before the run. */
  readonly prepared: Manifest['prepared'];
  /** Null where the target has no metrics to watch. */
  readonly monitor: MetricsMonitor | null;
  close(): Promise<void>;
}

/** The end of a target that is not ours to end. */
export const NEVER_GONE = new Promise<never>(() => undefined);
