import { EXIT, messageOf, UserError, type ExitCode } from '../core/errors.ts';
import { runOptionsSchema } from '../run/run-options.ts';
import type { GoodputSearch } from '../search/goodput/context.ts';
import { searchGoodput } from '../search/goodput/goodput.ts';
import { defineGoodput, SEARCH_FIELDS } from '../search/goodput/options.ts';
import type { Measure } from '../search/nightly/measure.ts';
import { ofGoodput } from '../search/nightly/of-goodput.ts';
import { ofRun } from '../search/nightly/of-run.ts';
import type { GoodputReport } from '../schema/goodput.ts';
import { camelOptions, type Command, type Given } from './command.ts';
import { GOODPUT_OPTIONS } from './goodput-options.ts';
import { searchHooks } from './goodput-progress.ts';
import { DEFAULT_TARGET, RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { exitCode, runUntilSignal } from './run.ts';
import { stopBySignal } from './signals.ts';
import { once, terminalLog } from './terminal.ts';

/** Options of `run` that a night has no use for: it stands in the history's folder. */
const OF_ONE_RUN: ReadonlySet<string> = new Set(['out', 'trace-iterations', 'gate', 'json', 'quiet', 'open']);
/** Options that a search has besides those of its runs. */
const OF_A_SEARCH = ['of', 'arrivals', 'precision', 'budget', 'gpus', 'keep'] as const;

const described: Readonly<Record<(typeof OF_A_SEARCH)[number], object>> = {
  of: {},
  arrivals: {},
  precision: {
    default: undefined,
    describe:
      'half width of the bracket, or of the interval of traffic [default: half of --margin, so that one step of a search is the same; of traffic 5%]',
  },
  budget: {},
  gpus: { type: 'number', describe: 'GPUs of the target, for goodput per GPU [default: as the reference engine has]' },
  keep: { default: 'last' },
};

/** What a night measures: the options of a run, and those of a search. */
export const MEASURE_OPTIONS: Command['options'] = {
  ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => !OF_ONE_RUN.has(name))),
  goodput: {
    type: 'boolean',
    default: false,
    group: 'Goodput:',
    describe:
      'search for the goodput at each share of --at rather than replay the trace once; --rate is that of its first run',
  },
  ...Object.fromEntries(
    OF_A_SEARCH.map((name) => [name, { ...GOODPUT_OPTIONS[name], ...described[name], group: 'Goodput:' }]),
  ),
};

/** What a night measures, until a signal ends it. */
export interface NightMeasure {
  readonly measure: Measure;
  /** How it ended: of a night that was interrupted, or found no target, before what its gates say. */
  readonly ended: () => ExitCode;
}

/** By the options of the command line. Throws a UserError for a wrong one. */
export function nightMeasure(
  given: Given,
  { isGoodput, margin, quiet }: { readonly isGoodput: boolean; readonly margin: number; readonly quiet: boolean },
): NightMeasure {
  if (isGoodput) return bySearch(given, margin, quiet);
  const odd = OF_A_SEARCH.find((name) => given[name] !== undefined);
  if (odd !== undefined)
    throw new UserError(`--${odd}: is of a search, and a night is one run; add --goodput, or leave it out`);
  let code: ExitCode = EXIT.ok;
  const measure = ofRun(runSpecOf(given), async (spec) => {
    const { result, signalled } = await runUntilSignal(spec, quiet);
    code = signalled ?? exitCode(result);
  });
  return { measure, ended: () => code };
}

function bySearch(given: Given, margin: number, quiet: boolean): NightMeasure {
  let code: ExitCode = EXIT.ok;
  const measure = ofGoodput(searchOf(given, margin), async (search) => {
    try {
      return await searchUntilSignal(search, quiet);
    } catch (thrown) {
      if (thrown instanceof UserError) code = thrown.exitCode;
      throw thrown;
    }
  });
  return { measure, ended: () => code };
}

/** The least precision that a search takes. */
const LEAST_PRECISION = 0.001;

function searchOf(given: Given, margin: number): GoodputSearch {
  if (given['slo'] === undefined)
    throw new UserError(
      '--slo: say what has to be met, e.g. "ttft=500ms,tpot=50ms"; "--slo list" shows published ones',
    );
  const known = { ...runOptionsSchema.shape, ...SEARCH_FIELDS };
  const options = Object.fromEntries(Object.entries(camelOptions(given)).filter(([name]) => name in known));
  // Of a bracket the ends are then no further apart than what counts as the same.
  const precision = given['of'] === 'traffic' ? {} : { precision: Math.max(LEAST_PRECISION, margin / (2 + margin)) };
  return defineGoodput({ target: DEFAULT_TARGET, keep: 'last', ...precision, ...options, out: '.' }, null, '');
}

/** A search whose first signal ends it, and the night with it. */
async function searchUntilSignal(search: GoodputSearch, quiet: boolean): Promise<GoodputReport> {
  const interruption = stopBySignal('the night is kept, and takes part in nothing');
  const { info, warn } = terminalLog(quiet);
  const { hooks, end } = searchHooks(search, interruption, { info, warn: once(warn) }, quiet);
  try {
    return await searchGoodput(search, hooks);
  } catch (thrown) {
    const code = interruption.exitCode();
    if (code === null || !(thrown instanceof UserError)) throw thrown;
    throw new UserError(messageOf(interruption.stop.reason), { exitCode: code, cause: thrown });
  } finally {
    end();
    interruption.end();
  }
}
