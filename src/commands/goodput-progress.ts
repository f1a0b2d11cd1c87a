import { threeFigures } from '../core/units.ts';
import type { GoodputSearch, SearchHooks } from '../search/goodput/context.ts';
import { showProgress } from './progress.ts';

/** Says of each run of a search where the goodput is thought to be, shows its progress, and how it came out. */
export function showRuns(
  { of }: GoodputSearch,
  quiet: boolean,
): { readonly hooks: Pick<SearchHooks, 'probing' | 'started' | 'probed'>; readonly end: () => void } {
  let end = (): void => undefined;
  const say = (line: string): void => {
    if (!quiet) process.stderr.write(`${line}\n`);
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
