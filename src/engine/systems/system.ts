import type { Clock } from '../../core/clock.ts';
import type { Engine } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import type { OptionReader, Options } from './option-reader.ts';

/** What an engine is made in. */
export interface EngineContext {
  readonly clock: Clock;
  readonly onIteration?: IterationWatch | undefined;
}

/** A published serving system: parts composed, with the defaults of its paper or code. */
export interface System {
  /** Where its algorithm and its defaults are published. */
  readonly cites: string;
  /** Every option with its value, defaults filled in. */
  options(given: OptionReader): Options;
  engine(given: OptionReader, context: EngineContext): Engine;
}
