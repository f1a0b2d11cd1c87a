import type { Clock } from '../core/clock.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { ScheduledRequest, Target } from '../core/target.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { MetricsMonitor } from '../serving/metrics-monitor.ts';

/** A target with the clock it lives on and the requests it will be sent. */
export interface Arena {
  readonly target: Target;
  readonly clock: Clock;
  /** The same clock, when it reads real time: only then has the client a health of its own to watch. */
  readonly wall: WallClock | null;
  readonly feed: AsyncIterable<readonly ScheduledRequest[]>;
  /** Resolves with a sentence if the target ends by itself; never for one that is not ours. */
  readonly gone: Promise<string>;
  readonly facts: Manifest['target'];
  /** Null in virtual time, where there are no prompts. */
  readonly prompts: NonNullable<Manifest['prompts']> | null;
  readonly prepared: Manifest['prepared'];
  /** Null where the target has no metrics to watch. */
  readonly watch: MetricsMonitor | null;
  close(): Promise<void>;
}

/** Of a target that is not ours to end. */
export const NEVER = new Promise<never>(() => undefined);
