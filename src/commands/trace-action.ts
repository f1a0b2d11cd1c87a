import type { ExitCode } from '../core/errors.ts';
import type { Command, Given } from './command.ts';

/** What `reprise trace` can do, an entry of its table. */
export interface TraceAction {
  readonly examples: readonly string[];
  /** Whether it takes OUT behind its file: `trace convert FILE OUT`. */
  readonly takesOut: boolean;
  /** Its options; one that several actions have is the same in each. */
  readonly options: Command['options'];
  /** As `Command.run`, `file` and `out` among the options. */
  run(all: Given, given: Given): Promise<ExitCode>;
}
