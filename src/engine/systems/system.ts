import type { Clock } from '../../core/clock.ts';
import type { Engine } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import type { OptionReader, Options } from './option-reader.ts';

/** The surroundings of a new engine. */
export interface EngineContext {
  readonly clock: Clock;
  readonly onIteration?: IterationWatch | undefined;
}

/** Where `equals` was checked. */
export const LOGS = ' (src/engine/README.md, test/engine/schedulers)';

/** A published serving system: parts composed, with the defaults of its paper or code. */
export interface System {
  /** Source of its algorithm and its defaults. */
  readonly cites: string;
  /** Which version of the real one it equals, and how that was checked. */
  readonly equals: string;
  /** All options with their values, defaults filled in. */
  options(given: OptionReader): Options;
  engine(given: OptionReader, context: EngineContext): Engine;
}
