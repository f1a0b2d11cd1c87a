import { resolve } from 'node:path';
import { z } from 'zod';
import { countedVerdict, parseCompareGate } from '../compare/gates.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText } from '../core/gate.ts';
import { text } from '../core/option-fields.ts';
import { rebuildTrend, writeLastComparison, writeTrend } from '../search/nightly/files.ts';
import {
  acceptNight,
  branchFolder,
  expireRuns,
  historyOf,
  nightToAccept,
  trendFiles,
} from '../search/nightly/history.ts';
import { nightly, untilJudged, type NightResult } from '../search/nightly/nightly.ts';
import { currentBranch, currentCommit, defaultBranch } from '../search/nightly/repository.ts';
import { comparisonText, summaryText, trendVerdict } from '../../reports/index.ts';
import { grouped, readOptions, type Command, type Given } from './command.ts';
import { GATE_FIELDS, GATE_OPTIONS, marginOf } from './compare.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { exitCode, runUntilSignal } from './run.ts';
import { sloList } from './slo-list.ts';
import { hasColor, printGate } from './terminal.ts';

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
  json: { type: 'boolean', default: false, describe: 'print the line of history.jsonl and the comparison as JSON' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
};

/** Options of `run` that a night has no use for: its run stands in the history's folder. */
const OF_ONE_RUN: ReadonlySet<string> = new Set(['out', 'trace-iterations']);
const isOfNight = (name: string): boolean => name in NIGHT || name in OUTPUT;

export const nightlyCommand: Command = {
  usage: 'nightly [workload]',
  describe: 'Run, compare with the accepted night by how nights spread, and add to the trend of a branch',
  examples: [
    'reprise nightly trace.csv --baseline nights --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms --gate default',
    'reprise nightly --baseline nights --accept',
  ],
  positionals: {
    workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code; with --accept a run id' },
  },
  options: {
    ...grouped('Night:', NIGHT),
    ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => !isOfNight(name) && !OF_ONE_RUN.has(name))),
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
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

/** A night, or care of the history alone. */
async function nightOrCare(options: Options, given: Given): Promise<ExitCode> {
  const { workload, slo, baseline, accept, expire } = options;
  if (slo === 'list') {
    process.stdout.write(sloList(options.json));
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
  const code = isNight ? await oneNight(options, given, { baseline, branch }) : EXIT.ok;
  if (beforeIso !== null) sayExpired(expireRuns(historyOf(baseline, branch), beforeIso), options.json);
  return code;
}

function acceptOne(baseline: string, branch: string, runId: string | null): void {
  const history = historyOf(baseline, branch);
  const night = nightToAccept(history, runId);
  acceptNight(history, night, new Date().toISOString());
  process.stdout.write(`accepted on ${branch}: night ${history.nights.indexOf(night) + 1}, ${night.run_id}\n`);
}

async function oneNight(
  options: Options,
  given: Given,
  { baseline, branch }: { readonly baseline: string; readonly branch: string },
): Promise<ExitCode> {
  const { workload, margin, quiet, json, open } = options;
  if (workload === undefined)
    throw new UserError('nightly: name a workload: a trace file, or a bundled sample (chat, code)');
  // What only a night has is none of its run's options.
  const ofRun = Object.fromEntries(Object.entries(given).filter(([name]) => !isOfNight(name)));
  let ended: Awaited<ReturnType<typeof runUntilSignal>> | null = null;
  const result = await nightly(
    {
      dir: baseline,
      branch,
      defaultBranch: defaultBranch(baseline),
      commit: options.commit ?? currentCommit(),
      spec: runSpecOf(ofRun),
      margin: marginOf(margin),
      gates: options.gate.map(parseCompareGate),
    },
    {
      nowIso: () => new Date().toISOString(),
      say: (line) => void (quiet || process.stderr.write(`${line}\n`)),
      run: async (spec) => {
        ended = await runUntilSignal(spec, quiet);
        return ended.result;
      },
    },
  );
  writeLastComparison(result.folder, result.comparison);
  await writeTrend(result.folder, result.trend);
  print(result, json);
  if (open) await openInBrowser(resolve(trendFiles(result.folder).page));
  const gates = sayGates(result, options);
  return codeOf(ended, gates);
}

/** An interrupted run, or one without an answer, before what its gates say. */
function codeOf(ended: Awaited<ReturnType<typeof runUntilSignal>> | null, gates: ExitCode): ExitCode {
  if (ended === null) return gates;
  const { signalled, result } = ended;
  return signalled ?? (exitCode(result) === EXIT.ok ? gates : exitCode(result));
}

function print({ night, comparison, trend, folder, run, missing }: NightResult, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ night, comparison }, null, 2)}\n`);
    return;
  }
  const color = hasColor(process.stdout);
  const { glyph, sentence } = trendVerdict(trend);
  process.stdout.write(
    [
      comparison === null ? summaryText(run.summary, run.manifest, { color }) : comparisonText(comparison, { color }),
      ...(comparison?.provisional === true && missing > 0 ? [`Provisional: ${untilJudged(missing)}.`] : []),
      ...(night.valid ? [] : ['not valid: the night is kept, and takes part in nothing']),
      ...(night.accepted ? [`accepted as the baseline of ${night.branch}: its first valid night`] : []),
      `trend of ${night.branch}: ${glyph} ${sentence}`,
      `trend: ${resolve(trendFiles(folder).page)}`,
      '',
    ].join('\n'),
  );
}

/** What is undecided counts as the user said; but a night that cannot be believed never passes. */
function sayGates({ gates, night }: NightResult, { undecided, json }: Options): ExitCode {
  for (const { gate, verdict, why } of gates) printGate(gateText(gate, verdict, why), json);
  return gateExit(
    gates.map((each) => countedVerdict({ ...each, isBlocked: each.isBlocked || !night.valid }, undecided)),
  );
}

function sayExpired(gone: readonly string[], json: boolean): void {
  const said = gone.length === 0 ? 'no run has expired' : `expired: ${gone.join(', ')}`;
  (json ? process.stderr : process.stdout).write(`${said}\n`);
}

const DAY_MS = 86_400_000;

/** `90d` -> the instant that long ago. */
function before(given: string): string {
  const days = Number(/^(\d+)\s*d$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (!(days > 0)) throw new UserError(`--expire: "${given}" is not a number of days, e.g. 90d`);
  return new Date(Date.now() - days * DAY_MS).toISOString();
}
