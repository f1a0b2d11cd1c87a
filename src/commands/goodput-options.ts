import { join } from 'node:path';
import { z } from 'zod';
import { parseGoodputGate, type GoodputGate } from '../core/goodput-gate.ts';
import { UserError } from '../core/errors.ts';
import { text } from '../core/option-fields.ts';
import { kebab } from '../core/option-names.ts';
import { runOptionsSchema } from '../run/run-options.ts';
import { compactTime } from '../run/run.ts';
import type { GoodputSearch } from '../search/goodput/context.ts';
import { namedSearches, type NamedSearch } from '../search/goodput/goodputs.ts';
import { KEEP } from '../search/goodput/keep.ts';
import { defineGoodput, NOT_OF_A_SEARCH, SEARCH_FIELDS } from '../search/goodput/options.ts';
import { camelOptions, grouped, readOptions, type Command, type Given } from './command.ts';
import { GPUS_OPTION, gpusOf } from './gpus-option.ts';
import { OPEN_OPTION } from './open-report.ts';
import { DEFAULT_TARGET, RUN_OPTIONS } from './run-options.ts';

const SEARCH: Command['options'] = {
  of: {
    type: 'string',
    choices: ['trace', 'traffic'],
    default: 'trace',
    describe: 'of this trace, whole, from an empty system; or of traffic like it, on a running one',
  },
  arrivals: {
    type: 'string',
    choices: ['trace', 'poisson'],
    describe:
      'of traffic: pieces of the trace of 60 s, a tenth of it at most, in random order, or Poisson arrivals with rows drawn at random [default: trace]',
  },
  at: { type: 'string', default: '90%', describe: 'share of requests that should meet the SLO; several: 0.9,0.99' },
  slo: {
    type: 'string',
    describe:
      'limits (ttft, tpot, e2e, itl.p99 and the like), e.g. "ttft=200ms,tpot=50ms", by class "chat:ttft=1s;batch:e2e=30s", or a profile\'s name; list shows them',
  },
  precision: {
    type: 'string',
    default: '5%',
    describe: 'half width of the bracket, or of the interval of traffic, as a share of its middle',
  },
  rate: { type: 'number', describe: "requests a second of the first run [default: the trace's own]" },
  budget: {
    type: 'string',
    describe: 'end with what there is after a time or a number of requests, of each target: 30m, 50000req',
  },
  gate: {
    type: 'string',
    array: true,
    default: [],
    describe:
      'exit code 1 where missed, 4 where it cannot be told, e.g. "goodput>=4rps"; repeatable; of the first share of --at; every target has to hold it',
    nargs: 1,
  },
  gpus: GPUS_OPTION,
};

const TARGET: Command['options'] = {
  target: {
    type: 'string',
    array: true,
    default: [DEFAULT_TARGET],
    describe: `URL, or reference[:SYSTEM[,key=value...]]; repeatable: one after another, with the same requests, headers and key [default: ${DEFAULT_TARGET}]`,
    nargs: 1,
  },
};

const OUTPUT: Command['options'] = {
  out: {
    type: 'string',
    describe:
      'folder of goodput.json and the runs, of several targets a folder each; the same again goes on there [default: runs/<utc time>-goodput-<target>]',
  },
  keep: {
    type: 'string',
    default: 'all',
    describe: `which runs stay once the search has ended: ${KEEP.join(', ')}; last: those at the ends of the bracket, or of traffic`,
  },
  json: { type: 'boolean', default: false, describe: 'print goodput.json, of several targets goodputs.json, not text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
};

const OWN = { ...SEARCH, ...OUTPUT };
const notOfASearch: ReadonlySet<string> = new Set(NOT_OF_A_SEARCH.map(kebab));
const ofRuns = Object.entries(RUN_OPTIONS).filter(([name]) => !(name in OWN) && !notOfASearch.has(name));

/** The options of `goodput`, for yargs and `--help`. */
export const GOODPUT_OPTIONS: Command['options'] = {
  ...grouped('Search:', SEARCH),
  ...Object.fromEntries(ofRuns),
  ...grouped('Target:', TARGET),
  ...grouped('Output:', OUTPUT),
};

const schema = z.looseObject({
  workload: text.optional(),
  slo: text.optional(),
  target: z.array(z.string()).min(1),
  gate: z.array(z.string()),
  gpus: text.optional(),
  start: text.optional(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

/** What the command line asks for. */
export interface GoodputCommand {
  /** Of `goodput.json`, or of `goodputs.json` and the folders of several targets. */
  readonly dir: string;
  /** One for each target. */
  readonly searches: readonly NamedSearch[];
  readonly gates: readonly GoodputGate[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly open: boolean;
}

/** Throws a UserError for a wrong option. */
export function readGoodput(all: Given, given: Given, nowIso: string): GoodputCommand {
  const options = readOptions(schema, all);
  const { gate, json, quiet, open } = options;
  const searches = searchesOf(options, given, nowIso);
  const gates = gate.map(parseGoodputGate);
  const [first] = searches;
  const dir = options.out ?? join('runs', `${compactTime(nowIso)}-goodput-${searches.length}-targets`);
  if (first !== undefined && searches.length === 1)
    return { dir: first.dir, searches: [{ name: first.target.spec.name, search: first }], gates, json, quiet, open };
  return { dir, searches: namedSearches(dir, searches), gates, json, quiet, open };
}

function searchesOf({ workload, slo, target, gpus, start }: Options, given: Given, nowIso: string): GoodputSearch[] {
  if (workload === undefined)
    throw new UserError('goodput: name a workload: a trace file, or a bundled sample (chat, code)');
  if (slo === undefined)
    throw new UserError(
      '--slo: say what has to be met, e.g. "ttft=500ms,tpot=50ms"; "--slo list" shows published ones',
    );
  if (start !== undefined && target.length > 1)
    throw new UserError(
      `--start: starts one server, and there are ${target.length} targets; start them yourself, or search each alone`,
    );
  const known = { ...runOptionsSchema.shape, ...SEARCH_FIELDS };
  const ofSearch = Object.fromEntries(Object.entries(camelOptions(given)).filter(([name]) => name in known));
  const counts = gpusOf(gpus, target);
  return target.map((each, i) =>
    defineGoodput({ ...ofSearch, target: each, gpus: counts[i] ?? undefined }, null, nowIso),
  );
}
