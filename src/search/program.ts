import { openTargetOf, withDefaults, type OpenTarget } from '../run/program.ts';
import type { GoodputReport } from '../schema/goodput.ts';
import type { SearchHooks } from './goodput/context.ts';
import { searchGoodput } from './goodput/goodput.ts';
import { defineGoodput, type GoodputOptions } from './goodput/options.ts';
import { timeLimit } from './goodput/time-limit.ts';

/** Hooks of a program, each with a default: those of a run, and what is known as the search goes on. */
export type GoodputHooks = Partial<Omit<SearchHooks, 'timeOver'>>;

/** Options of a search; with an open target only those of the search and its runs, for the target has its own. */
export type GoodputProgramOptions = Omit<GoodputOptions, 'target'> & { readonly target: string | OpenTarget };

/**
 * The highest rate at which a trace, or traffic like it, still meets its SLO: `reprise goodput` for programs, with its files
 * in `out`. Goes on where a search in the same folder was interrupted. Throws a UserError for a wrong option, workload, target
 * or folder, and where it is interrupted, and the error of a fault of Reprise.
 */
export async function goodput(options: GoodputProgramOptions, hooks: GoodputHooks = {}): Promise<GoodputReport> {
  const all = withDefaults(hooks);
  const target = openTargetOf(options);
  const search = defineGoodput(options, target, all.nowIso());
  const { probing = () => undefined, probed = () => undefined } = hooks;
  return searchGoodput(search, { ...all, probing, probed, timeOver: timeLimit(search.mostMs) }, target?.session);
}
