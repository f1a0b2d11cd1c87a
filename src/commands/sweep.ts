import { availableParallelism } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseNumbers } from '../core/number-list.ts';
import { text, wholeNumber } from '../core/option-fields.ts';
import { parseGoal } from '../core/slo.ts';
import { parseSloScales } from '../core/slo-scales.ts';
import { formatShare, withThousands } from '../core/units.ts';
import { countText } from '../core/words.ts';
import { compactTime } from '../run/run.ts';
import { newSalt } from '../run/salt.ts';
import { sweepPage, writeSweep } from '../search/sweep/files.ts';
import { sweep, type SweepHooks, type SweepSpec } from '../search/sweep/sweep.ts';
import { rangeOfRates, sweepText } from '../../reports/index.ts';
import { grouped, readOptions, type Command, type Given } from './command.ts';
import { GPUS_OPTION, gpusOf } from './gpus-option.ts';
import { LISTED } from './listed.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { showProgress } from './progress.ts';
import { RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { stopBySignal } from './signals.ts';
import { sloList } from './slo-list.ts';
import { hasColor, print, tell, terminalLog } from './terminal.ts';

const SWEEP: Command['options'] = {
  target: { type: 'string', array: true, nargs: 1, describe: 'URL, or reference[:SYSTEM[,key=value...]]; repeatable' },
  rates: {
    type: 'string',
    describe:
      "requests a second: 0.5..4/0.5 by a step, 1..16x2 by a factor, or 1,2,4 [default: from a quarter of the trace's own to four times it]",
  },
  'per-gpu': { type: 'boolean', default: false, describe: 'the rates are per GPU of each target' },
  gpus: GPUS_OPTION,
  slo: {
    type: 'string',
    describe:
      'limits (ttft, tpot, e2e, itl.p99 and the like), e.g. "ttft=200ms,tpot=50ms", by class "chat:ttft=1s;batch:e2e=30s", or a profile\'s name; list shows them',
  },
  'slo-scales': {
    type: 'string',
    default: '1',
    describe: 'judge by every limit times each of these too, from the same runs: 0.5..2 by 0.1, 0.5..4x2, or 0.8,1,1.2',
  },
  at: { type: 'string', default: '90%', describe: 'share of requests that should meet the SLO, e.g. 95%' },
  workers: {
    type: 'string',
    default: 'auto',
    describe:
      'in virtual time: threads that simulate, four a core at most, which change no result; auto: one a core. In real time: threads of the client of each run, as for run',
  },
};

const OUTPUT: Command['options'] = {
  out: {
    type: 'string',
    describe:
      'folder of sweep.json and the runs; the same again goes on there [default: runs/<utc time>-sweep-<workload>]',
  },
  json: { type: 'boolean', default: false, describe: 'print sweep.json rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
};

/** Options of `run` that make no sense for many runs. */
const OF_ONE_RUN: ReadonlySet<string> = new Set(['rate', 'speed', 'trace-iterations', 'gate', 'probe']);

/** Whether an option is the sweep's own, also where a run has one of that name. */
const isOfSweep = (name: string): boolean => name in SWEEP || name in OUTPUT;

export const sweepCommand: Command = {
  ...LISTED.sweep,
  examples: [
    'reprise sweep trace.csv --target http://127.0.0.1:8000 --rates 1..8x2 --slo ttft=500ms,tpot=50ms',
    'reprise sweep chat --target reference:vllm-v1,model=opt-13b,gpu=a100-sxm-80g --target reference:distserve,model=opt-13b,gpu=a100-sxm-80g --clock virtual --slo ttft=250ms,tpot=100ms --per-gpu --slo-scales 0.5..2',
  ],
  positionals: { workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code' } },
  options: {
    ...grouped('Sweep:', SWEEP),
    ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => !isOfSweep(name) && !OF_ONE_RUN.has(name))),
    ...grouped('Output:', OUTPUT),
  },
  run: (all, given) => sweepAndReport(readOptions(schema, all), given),
};

const schema = z.looseObject({
  workload: text.optional(),
  target: z.array(text).default([]),
  rates: text.optional(),
  perGpu: z.boolean(),
  gpus: text.optional(),
  slo: text.optional(),
  sloScales: text,
  at: text,
  workers: text,
  start: text.optional(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

async function sweepAndReport(options: Options, given: Given): Promise<ExitCode> {
  const { json, quiet, open } = options;
  if (options.slo === 'list') {
    print(sloList(json));
    return EXIT.ok;
  }
  const spec = sweepOf(options, given);
  const workers = workersOf(options.workers);
  const interruption = stopBySignal('the same command goes on from here');
  const progress = showRuns(spec, quiet);
  try {
    const report = await sweep(spec, {
      ...progress.hooks,
      nowIso: () => new Date().toISOString(),
      newSalt,
      log: terminalLog(quiet),
      stop: interruption.stop,
      cut: interruption.cut,
      workers,
      thread: new URL(`./sweep-worker${extname(import.meta.filename)}`, import.meta.url),
    });
    progress.end();
    await writeSweep(spec.dir, report);
    const page = resolve(sweepPage(spec.dir));
    print(
      json ? `${JSON.stringify(report, null, 2)}\n` : `${sweepText(report, { color: hasColor() })}\nreport: ${page}\n`,
    );
    if (open) await openInBrowser(page);
    return EXIT.ok;
  } catch (thrown) {
    progress.end();
    if (!(thrown instanceof UserError)) throw thrown;
    const kept = progress.kept();
    const goesOn = kept === null ? '' : `\nkept in ${spec.dir}: ${kept}; the same command goes on from there`;
    throw new UserError(`${thrown.message}${goesOn}`, {
      exitCode: interruption.exitCode() ?? thrown.exitCode,
      cause: thrown,
    });
  } finally {
    progress.end();
    interruption.end();
  }
}

/** Says what the grid is, shows the progress of a run on the wall clock, and how each came out. */
function showRuns(
  { rates: given, perGpu, sloScales }: SweepSpec,
  quiet: boolean,
): {
  readonly hooks: Pick<SweepHooks, 'begins' | 'started' | 'measured'>;
  /** How many runs are kept; null where there are none. */
  readonly kept: () => string | null;
  readonly end: () => void;
} {
  let end = (): void => undefined;
  let [done, of] = [0, 0];
  const say = (line: string): void => {
    if (!quiet) tell(line);
  };
  return {
    hooks: {
      begins: (runs, rates) => {
        of = runs;
        const by = given === null ? ", a quarter of the trace's own rate to four times it by factors of sqrt 2" : '';
        const scales = sloScales.length === 1 ? '' : `; ${sloScales.length} SLO scales from the same runs`;
        say(`${countText(runs, 'run')}: ${rangeOfRates(rates)} requests/s${perGpu ? ' per GPU' : ''}${by}${scales}`);
      },
      started: (plan, snapshot) => {
        if (!quiet) end = showProgress(plan, snapshot);
      },
      measured: (what, { scales, valid, isKept }) => {
        end();
        done++;
        const own = scales.find(({ scale }) => scale === 1);
        const share = own === undefined ? '' : `: ${formatShare(own.attainment)} meet the SLO`;
        const notes = `${isKept ? ', as an earlier run has it' : ''}${valid ? '' : '; not valid: the client fell behind'}`;
        say(`${withThousands(done)} of ${countText(of, 'run')}, ${what}${share}${notes}`);
      },
    },
    kept: () => (done === 0 ? null : `${withThousands(done)} of ${countText(of, 'run')}`),
    end: () => end(),
  };
}

function sweepOf(options: Options, given: Given): SweepSpec {
  const { slo, workload, target: targets, rates, perGpu, out } = options;
  if (workload === undefined)
    throw new UserError('sweep: name a workload: a trace file, or a bundled sample (chat, code)');
  if (targets.length === 0)
    throw new UserError('--target: name what to measure, e.g. http://127.0.0.1:8000; repeat it to compare several');
  if (slo === undefined)
    throw new UserError(
      '--slo: say what has to be met, e.g. "ttft=500ms,tpot=50ms"; "--slo list" shows published ones',
    );
  if (options.start !== undefined && targets.length > 1)
    throw new UserError('--start: the command starts one server, and there are several targets; sweep them one by one');
  const repeated = targets.find((each, i) => targets.indexOf(each) < i);
  if (repeated !== undefined) throw new UserError(`--target: ${repeated} is given twice`);
  const at = String(parseGoal(options.at));
  // What only a sweep has is none of its runs' options.
  const { workers } = given;
  const ofRun = {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !isOfSweep(name))),
    ...(workers === undefined || given['clock'] === 'virtual' ? {} : { workers }),
  };
  const name = workload
    .replace(/^.*[/\\]/, '')
    .replace(/\..*$/, '')
    .replaceAll(/[^\w.-]/g, '_');
  return {
    targets: targets.map(
      (target) => (rateRps, dir) =>
        runSpecOf({ ...ofRun, target, slo, at, ...(rateRps === null ? {} : { rate: rateRps }), out: dir }),
    ),
    dir: out ?? join('runs', `${compactTime(new Date().toISOString())}-sweep-${name}`),
    rates: rates === undefined ? null : parseNumbers(rates, '--rates'),
    perGpu,
    sloScales: parseSloScales(options.sloScales),
    gpus: gpusOf(options.gpus, targets),
  };
}

function workersOf(given: string): number {
  if (given === 'auto') return availableParallelism();
  const result = wholeNumber.safeParse(Number(given));
  if (result.success) return result.data;
  throw new UserError(`--workers: got "${given}", expected auto or a whole number from 1`);
}
