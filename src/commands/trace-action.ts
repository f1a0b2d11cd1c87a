import type { ExitCode } from '../core/errors.ts';
import type { Command, Given } from './command.ts';

/** What `reprise trace` can do, an entry of its table. */
export interface TraceAction {
  readonly examples: readonly string[];
  /** The files that it names. */
  readonly takes: 'FILE' | 'FILE OUT' | 'FILE FILE... OUT';
  /** Its options; one that several actions have is the same in each. */
  readonly options: Command['options'];
  /** As `Command.run`, `file`, `out` and `others` among the options. */
  run(all: Given, given: Given): Promise<ExitCode>;
}
