import { join, resolve } from 'node:path';
import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { gateExit, gateText, type GateVerdict } from '../core/gate.ts';
import { judgeGoodputGate, parseGoodputGate, type GoodputGate } from '../core/goodput-gate.ts';
import { parseGoal } from '../core/slo.ts';
import { parseDurationUs, threeFigures } from '../core/units.ts';
import { compactTime } from '../run/run.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { newSalt } from '../run/salt.ts';
import type { GoodputSearch, SearchHooks } from '../search/goodput/context.ts';
import { searchGoodput } from '../search/goodput/goodput.ts';
import { writeGoodput } from '../search/goodput/files.ts';
import { resolveSlo } from '../slos/index.ts';
import type { GoodputReport } from '../schema/goodput.ts';
import { goodputText } from '../../reports/index.ts';
import { grouped, readOptions, type Command, type Given } from './command.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { showProgress } from './progress.ts';
import { RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { onEndSignals, SIGNAL_EXIT } from './signals.ts';
import { sloList } from './slo-list.ts';
import { hasColor, printGate, TERMINAL_LOG } from './terminal.ts';

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
    default: 'trace',
    describe: 'of traffic: pieces of 60 s of the trace in random order, or Poisson arrivals with rows drawn at random',
  },
  at: { type: 'string', default: '90%', describe: 'share of requests that should meet the SLO; several: 0.9,0.99' },
  slo: { type: 'string', describe: 'limits, e.g. "ttft=200ms,tpot=50ms", or a profile\'s name; list shows them' },
  precision: {
    type: 'string',
    default: '5%',
    describe: 'half width of the bracket, or of the interval of traffic, as a share of its middle',
  },
  rate: { type: 'number', describe: "requests a second of the first run [default: the trace's own]" },
  budget: { type: 'string', describe: 'end with what there is after a time or a number of requests: 30m, 50000req' },
  gate: {
    type: 'string',
    array: true,
    default: [],
    describe: 'exit code 1 where missed, 4 where it cannot be told, e.g. "goodput>=4rps"; repeatable',
    nargs: 1,
  },
  gpus: { type: 'number', describe: 'GPUs of the target, for goodput per GPU [default: as the reference engine has]' },
};

const OUTPUT: Command['options'] = {
  out: {
    type: 'string',
    describe:
      'folder of goodput.json and the runs; the same again goes on there [default: runs/<utc time>-goodput-<target>]',
  },
  json: { type: 'boolean', default: false, describe: 'print goodput.json rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
};

/** Options of `run` that make no sense for many runs. */
const OF_ONE_RUN: ReadonlySet<string> = new Set(['speed', 'trace-iterations']);

/** Whether an option is the search's own, also where a run has one of that name. */
const isOfSearch = (name: string): boolean => name in SEARCH || name in OUTPUT;

export const goodputCommand: Command = {
  usage: 'goodput [workload]',
  describe: 'The highest rate at which a trace still meets its SLO: a bracket, by runs that are cut when decided',
  examples: [
    'reprise goodput trace.csv --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms',
    'reprise goodput trace.csv --target reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm --clock virtual --slo ttft=500ms,tpot=50ms --at 0.9,0.99',
  ],
  positionals: { workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code' } },
  options: {
    ...grouped('Search:', SEARCH),
    ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => !isOfSearch(name) && !OF_ONE_RUN.has(name))),
    ...grouped('Output:', OUTPUT),
  },
  run: (all, given) => goodput(readOptions(schema, all), given),
};

const schema = z.looseObject({
  workload: text.optional(),
  slo: text.optional(),
  of: z.enum(['trace', 'traffic']),
  arrivals: z.enum(['trace', 'poisson']),
  at: text,
  precision: text,
  rate: z.number(expected('a number above 0')).positive(expected('a number above 0')).optional(),
  budget: text.optional(),
  gate: z.array(z.string()),
  gpus: wholeNumber.optional(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

async function goodput(options: Options, given: Given): Promise<ExitCode> {
  if (options.slo === 'list') {
    process.stdout.write(sloList(options.json));
    return EXIT.ok;
  }
  const search = searchOf(options, given);
  const gates = options.gate.map(parseGoodputGate);
  const { json, quiet, open } = options;
  const [stop, cut] = [new AbortController(), new AbortController()];
  let signalled: ExitCode | null = null;
  const stopListening = onEndSignals((name) => {
    if (signalled !== null) process.exit(SIGNAL_EXIT[name]);
    process.stderr.write('\nstopping: the same command goes on from here (again: leave at once)\n');
    signalled = SIGNAL_EXIT[name];
    stop.abort(new Error(`interrupted by ${name}`));
    cut.abort();
  });
  const deadlineMs = performance.now() + budgetOf(options.budget).ms;
  const progress = showRuns(search, quiet);
  try {
    const report = await searchGoodput(search, {
      ...progress.hooks,
      nowIso: () => new Date().toISOString(),
      newSalt,
      // What a trace gives reason to doubt is said once, with the first plan.
      log: quiet ? { ...SILENT, warn: TERMINAL_LOG.warn } : TERMINAL_LOG,
      stop: stop.signal,
      cut: cut.signal,
      hasTime: () => performance.now() < deadlineMs,
    });
    progress.end();
    await writeGoodput(search.dir, report);
    const page = resolve(join(search.dir, 'goodput.html'));
    process.stdout.write(
      json
        ? `${JSON.stringify(report, null, 2)}\n`
        : `${goodputText(report, { color: hasColor(process.stdout) })}\nreport: ${page}\n`,
    );
    const verdicts = gates.map((gate) => sayGate(gate, report, json));
    if (open) await openInBrowser(page);
    return gateExit(verdicts);
  } catch (thrown) {
    if (signalled !== null && thrown instanceof UserError) throw new UserError(thrown.message, { exitCode: signalled });
    throw thrown;
  } finally {
    progress.end();
    stopListening();
  }
}

function sayGate(gate: GoodputGate, { bracket_rps, ci95_rps, state }: GoodputReport, json: boolean): GateVerdict {
  const [low, high] = ci95_rps ?? bracket_rps;
  const isValid = state !== 'not_valid';
  const verdict = isValid ? judgeGoodputGate(gate, low, high) : 'undecided';
  const found =
    ci95_rps !== null
      ? `from ${threeFigures(ci95_rps[0])} to ${threeFigures(ci95_rps[1])} requests/s (95 %)`
      : `${low === null ? 'none' : threeFigures(low)} met, ${high === null ? 'none' : threeFigures(high)} missed, of the requests/s that were tried`;
  printGate(gateText(gate, verdict, isValid ? found : 'the client fell behind'), json);
  return verdict;
}

/** Says of each run where the goodput is thought to be, shows its progress, and how it came out. */
function showRuns(
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

function searchOf(options: Options, given: Given): GoodputSearch {
  const { slo, workload } = options;
  if (workload === undefined)
    throw new UserError('goodput: name a workload: a trace file, or a bundled sample (chat, code)');
  if (slo === undefined)
    throw new UserError(
      '--slo: say what has to be met, e.g. "ttft=500ms,tpot=50ms"; "--slo list" shows published ones',
    );
  const goals = [...new Set(options.at.split(',').map(parseGoal))];
  // What only a search has is none of its runs' options.
  const ofRun = Object.fromEntries(Object.entries(given).filter(([name]) => name === 'slo' || !isOfSearch(name)));
  const specAt = (rateRps: number | null, dir: string): RunSpec =>
    runSpecOf({
      ...ofRun,
      at: String(goals[0]),
      ...(rateRps === null ? {} : { rate: rateRps }),
      out: dir,
    });
  const { target, measure } = specAt(null, '.');
  const { of, arrivals } = options;
  if (of === 'trace' && 'arrivals' in given && arrivals !== 'trace')
    throw new UserError(`--arrivals ${arrivals}: a trace has arrivals of its own; add --of traffic`);
  if (of === 'traffic' && (measure.warmupUs > 0 || measure.cooldownUs > 0))
    throw new UserError('--warmup, --cooldown: each segment of traffic leaves out its own first fifth; leave them out');
  const budget = budgetOf(options.budget);
  return {
    of,
    arrivals,
    specAt,
    dir: options.out ?? join('runs', `${compactTime(new Date().toISOString())}-goodput-${target.spec.name}`),
    slo: resolveSlo(slo),
    goals,
    precision: precisionOf(options.precision),
    startRps: options.rate ?? null,
    gpus: options.gpus ?? null,
    mostRequests: budget.requests,
    isTimed: Number.isFinite(budget.ms),
  };
}

function precisionOf(given: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (percent >= 0.1 && percent < 100) return percent / 100;
  throw new UserError(`--precision: "${given}" is not a share from 0.1% to under 100%, e.g. 5%`);
}

/** `30m` or `50000req`; infinite without one. */
function budgetOf(given: string | undefined): { readonly ms: number; readonly requests: number } {
  if (given === undefined) return { ms: Infinity, requests: Infinity };
  const requests = /^(\d+)\s*req(?:uests)?$/.exec(given.trim())?.[1];
  if (requests !== undefined) return { ms: Infinity, requests: Number(requests) };
  if (/^\d+$/.test(given.trim()))
    throw new UserError(
      `--budget: "${given}" has no unit; write a time, e.g. ${given}m, or requests, e.g. ${given}req`,
    );
  return { ms: parseDurationUs(given, '--budget') / 1000, requests: Infinity };
}
