import type { Log } from '../core/log.ts';
import { threeFigures } from '../core/units.ts';
import { newSalt } from '../run/salt.ts';
import type { GoodputSearch, SearchHooks } from '../search/goodput/context.ts';
import { timeLimit } from '../search/goodput/time-limit.ts';
import { showProgress } from './progress.ts';
import type { Interruption } from './signals.ts';
import { tell } from './terminal.ts';

/** A search from the command line, with its progress, which `end` ends. */
export function searchHooks(
  search: GoodputSearch,
  { stop, cut }: Interruption,
  log: Log,
  quiet: boolean,
): { readonly hooks: SearchHooks; readonly end: () => void } {
  const { hooks, end } = showRuns(search, quiet);
  const timeOver = timeLimit(search.mostMs);
  return { hooks: { ...hooks, nowIso: () => new Date().toISOString(), newSalt, log, stop, cut, timeOver }, end };
}

/** Says of each run of a search where the goodput is thought to be, shows its progress, and how it came out. */
function showRuns(
  { of }: GoodputSearch,
  quiet: boolean,
): { readonly hooks: Pick<SearchHooks, 'probing' | 'started' | 'probed'>; readonly end: () => void } {
  let end = (): void => undefined;
  const say = (line: string): void => {
    if (!quiet) tell(line);
  };
  return {
    hooks: {
      probing: (rateRps, number, known) => {
        const name = of === 'trace' ? 'run' : 'segment';
        say(
          `${name} ${number}: ${threeFigures(rateRps)} requests/s${known === null ? '' : `; the goodput is ${known}`}`,
        );
      },
      started: (plan, snapshot) => {
        if (!quiet && plan.spec.target.clock === 'real') end = showProgress(plan, snapshot);
      },
      probed: (outcome, isKept) => {
        end();
        say(`  ${outcome}${isKept ? ', as an earlier run has it' : ''}`);
      },
    },
    end: () => end(),
  };
}
