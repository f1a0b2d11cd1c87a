import { resolve } from 'node:path';
import { z } from 'zod';
import { countedVerdict, gateOn } from '../compare/gates.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText } from '../core/gate.ts';
import { expected, text } from '../core/option-fields.ts';
import { rebuildTrend, writeLastComparison, writeTrend } from '../search/nightly/files.ts';
import {
  acceptNight,
  branchFolder,
  expireRuns,
  historyOf,
  nightToAccept,
  trendFiles,
} from '../search/nightly/history.ts';
import { nightly, type NightResult } from '../search/nightly/nightly.ts';
import { currentBranch, currentCommit, defaultBranch } from '../search/nightly/repository.ts';
import { grouped, readOptions, type Command, type Given } from './command.ts';
import { LISTED } from './listed.ts';
import { GATE_FIELDS, GATE_OPTIONS, marginOf } from './compare.ts';
import { COMPARISON_FORMATS, type ComparisonFormat } from './comparison-output.ts';
import { MEASURE_OPTIONS, nightMeasure } from './nightly-measure.ts';
import { nightOutput } from './nightly-output.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { sloList } from './slo-list.ts';
import { print, printGate, printLine, tell } from './terminal.ts';

const NIGHT: Command['options'] = {
  baseline: { type: 'string', describe: 'folder of the history, made on the first night: a folder a branch in it' },
  branch: { type: 'string', describe: 'whose history the night belongs to [default: the branch that is checked out]' },
  commit: { type: 'string', describe: 'what is measured, for the trend [default: the commit that is checked out]' },
  ...GATE_OPTIONS,
  accept: {
    type: 'boolean',
    default: false,
    describe: 'make the newest valid night the baseline, or the one whose run id stands behind; nothing is run',
  },
  expire: { type: 'string', describe: 'delete runs older than e.g. 90d, but for the accepted and the last 40' },
};

const OUTPUT: Command['options'] = {
  format: {
    type: 'string',
    describe: `${COMPARISON_FORMATS.join(', ')}; json: the line of history.jsonl, and the comparison [default: text]`,
  },
  json: { type: 'boolean', default: false, describe: 'the same as --format json' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
};

export const nightlyCommand: Command = {
  ...LISTED.nightly,
  examples: [
    'reprise nightly trace.csv --baseline nights --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms --gate default',
    'reprise nightly trace.csv --goodput --baseline nights --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms --gate "goodput>=-5%"',
    'reprise nightly --baseline nights --accept',
  ],
  positionals: {
    workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code; with --accept a run id' },
  },
  options: {
    ...grouped('Night:', NIGHT),
    ...MEASURE_OPTIONS,
    ...grouped('Output:', OUTPUT),
  },
  run: (all, given) => nightOrCare(readOptions(schema, all), given),
};

const schema = z.looseObject({
  workload: text.optional(),
  slo: text.optional(),
  baseline: text.optional(),
  branch: text.optional(),
  commit: text.optional(),
  ...GATE_FIELDS,
  accept: z.boolean(),
  expire: text.optional(),
  goodput: z.boolean(),
  format: z.enum(COMPARISON_FORMATS, expected(COMPARISON_FORMATS.join(', '))).optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

/** A night, or care of the history alone. */
async function nightOrCare(options: Options, given: Given): Promise<ExitCode> {
  const { workload, slo, baseline, accept, expire } = options;
  const format: ComparisonFormat = options.json ? 'json' : (options.format ?? 'text');
  if (slo === 'list') {
    print(sloList(format === 'json'));
    return EXIT.ok;
  }
  if (baseline === undefined)
    throw new UserError('--baseline: name the folder of the history; the first night makes it, e.g. --baseline nights');
  const branch = options.branch ?? currentBranch();
  const beforeIso = expire === undefined ? null : before(expire);
  if (accept) {
    acceptOne(baseline, branch, workload ?? null);
    await rebuildTrend(branchFolder(baseline, branch));
  }
  const isNight = !accept && (workload !== undefined || beforeIso === null);
  const code = isNight ? await oneNight(options, given, { baseline, branch, format }) : EXIT.ok;
  if (beforeIso !== null) sayExpired(expireRuns(historyOf(baseline, branch), beforeIso), format);
  return code;
}

function acceptOne(baseline: string, branch: string, runId: string | null): void {
  const history = historyOf(baseline, branch);
  const night = nightToAccept(history, runId);
  acceptNight(history, night, new Date().toISOString());
  print(`accepted on ${branch}: night ${history.nights.indexOf(night) + 1}, ${night.run_id}\n`);
}

interface NightPlace {
  readonly baseline: string;
  readonly branch: string;
  readonly format: ComparisonFormat;
}

async function oneNight(options: Options, given: Given, { baseline, branch, format }: NightPlace): Promise<ExitCode> {
  const { workload, quiet, open } = options;
  if (workload === undefined)
    throw new UserError('nightly: name a workload: a trace file, or a bundled sample (chat, code)');
  const margin = marginOf(options.margin);
  // What only a night has is none of its run's options.
  const ofMeasure = Object.fromEntries(Object.entries(given).filter(([name]) => !(name in NIGHT || name in OUTPUT)));
  const { measure, ended } = nightMeasure(ofMeasure, { isGoodput: options.goodput, margin, quiet });
  const result = await nightly(
    {
      dir: baseline,
      branch,
      defaultBranch: defaultBranch(baseline),
      commit: options.commit ?? currentCommit(),
      measure,
      margin,
      gates: options.gate.map((each) => gateOn(measure.names, each)),
    },
    {
      nowIso: () => new Date().toISOString(),
      say: (line) => void (quiet || tell(line)),
    },
  );
  writeLastComparison(result.folder, result.comparison);
  await writeTrend(result.folder, result.trend);
  print(nightOutput(result, format, options.undecided));
  if (open) await openInBrowser(resolve(trendFiles(result.folder).page));
  const gates = sayGates(result, format, options.undecided);
  return ended() === EXIT.ok ? gates : ended();
}

function sayGates({ gates }: NightResult, format: ComparisonFormat, undecided: Options['undecided']): ExitCode {
  for (const { gate, verdict, why } of gates) printGate(gateText(gate, verdict, why), format !== 'text');
  return gateExit(gates.map((each) => countedVerdict(each, undecided)));
}

function sayExpired(gone: readonly string[], format: ComparisonFormat): void {
  const said = gone.length === 0 ? 'no run has expired' : `expired: ${gone.join(', ')}`;
  (format === 'text' ? printLine : tell)(said);
}

const DAY_MS = 86_400_000;

/** `90d` -> the instant that long ago. */
function before(given: string): string {
  const days = Number(/^(\d+)\s*d$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (!(days > 0)) throw new UserError(`--expire: "${given}" is not a number of days, e.g. 90d`);
  return new Date(Date.now() - days * DAY_MS).toISOString();
}
