import { rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { judgedBy, judgedName, mendCopy, mendRun, reportRun } from '../run/finish.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseGoal, type SloSpec } from '../core/slo.ts';
import { parseSloScales } from '../core/slo-scales.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import type { SweepReport } from '../schema/sweep.ts';
import { isSweep, sweepPage, writeSweep } from '../search/sweep/files.ts';
import { judgeSweep, type SweepJudgement } from '../search/sweep/judge.ts';
import { isWritable } from '../runs/owner.ts';
import { reportFile } from '../runs/run-directory.ts';
import {
  summaryCsv,
  summaryMarkdown,
  summaryText,
  sweepMarkdown,
  sweepText,
  trendMarkdown,
  trendVerdict,
} from '../../reports/index.ts';
import { rebuildTrend } from '../search/nightly/files.ts';
import { branchFolders, trendFiles } from '../search/nightly/history.ts';
import { resolveSlo } from '../slos/index.ts';
import { expected, text } from '../core/option-fields.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { readOptions, type Command } from './command.ts';
import { LISTED } from './listed.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { importedOf } from './import-argument.ts';
import { showCount } from './progress.ts';
import { exportAll, OTHERS_OPTIONS, OTHERS_SCHEMA, printedAs } from './report-others.ts';
import { runArgument } from './run-argument.ts';
import { sloList } from './slo-list.ts';
import { hasColor, print, printLine, tell } from './terminal.ts';

const FORMATS = ['text', 'markdown', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];

const schema = z.looseObject({
  directories: z.array(z.string()).default([]),
  slo: text.optional(),
  at: text.optional(),
  sloScales: text.optional(),
  format: z.enum(FORMATS, expected(FORMATS.join(', '))).optional(),
  json: z.boolean(),
  open: z.boolean(),
  ...OTHERS_SCHEMA,
  trend: text.optional(),
});

export const reportCommand: Command = {
  ...LISTED.report,
  examples: [
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --slo distserve-osdi-chat-opt-13b',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --slo-scales 0.5..2',
    'reprise report runs/* --format csv > figures.csv',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --as vllm,aiperf,guidellm',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --export llmd,junit --out results',
    'reprise report vllm-result.json --slo ttft=200ms,tpot=50ms',
    'reprise report --trend nights',
  ],
  positionals: {
    directories: {
      type: 'string',
      array: true,
      describe:
        'run directories, the folder of a sweep, or result files of vllm bench serve, SGLang, AIPerf, GuideLLM (of several runs FILE#2)',
    },
  },
  options: {
    slo: {
      type: 'string',
      describe:
        "judge by other limits, or by a profile, in files beside the run's own; list shows the profiles [default: as the run was]",
    },
    at: { type: 'string', describe: 'share of requests that should meet the SLO, e.g. 95% [default: as the run was]' },
    'slo-scales': {
      type: 'string',
      describe: 'judge by every limit times each of these too: 0.5..2 by 0.1, 0.5..4x2, or 0.8,1,1.2',
    },
    format: {
      type: 'string',
      describe:
        'text, markdown (to paste), csv (a row a run) or json (summary.json; of several runs an array) [default: text]',
    },
    json: { type: 'boolean', default: false, describe: 'the same as --format json' },
    open: OPEN_OPTION,
    ...OTHERS_OPTIONS,
    trend: { type: 'string', describe: 'rebuild the trend pages of reprise nightly in this folder, of runs none' },
  },
  run: (parsed) => report(readOptions(schema, parsed)),
};

async function report(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { directories, slo, at, sloScales, json, open, trend } = options;
  if (trend !== undefined) return await reportTrend(trend, options);
  if (slo === 'list') {
    print(sloList(json));
    return EXIT.ok;
  }
  if (directories.length === 0) throw new UserError('report: name a run directory, e.g. runs/*-chat-*');
  const otherSlo = slo === undefined ? null : resolveSlo(slo);
  const otherGoal = at === undefined ? null : parseGoal(at);
  const scales = sloScales === undefined ? null : parseSloScales(sloScales);
  const format = options.format ?? (json ? 'json' : 'text');
  const sweepDir = directories.find(isSweep);
  if (sweepDir !== undefined) {
    if (directories.length > 1) throw new UserError(`${sweepDir}: is a sweep; report it by itself`);
    if (options.as.length > 0 || options.export.length > 0)
      throw new UserError(`--as, --export: ${sweepDir} is a sweep; name its runs, ${sweepDir}/runs/*/*`);
    const page = await reportSweep(sweepDir, { slo: otherSlo, at: otherGoal, sloScales: scales }, format);
    if (open) await openInBrowser(page);
    return EXIT.ok;
  }
  keepYoungGenerationSmall();
  const copies: string[] = [];
  try {
    const reported = await reportAll(options, { otherSlo, otherGoal, scales: scales ?? [] }, copies, format);
    return await printAll(reported, options, format);
  } finally {
    for (const copy of copies) rmSync(dirname(copy), { recursive: true });
  }
}

/** Prints and exports; a run that is not whole is an input that is wrong, whatever of it is shown. */
async function printAll(
  reported: readonly Reported[],
  options: z.infer<typeof schema>,
  format: Format,
): Promise<ExitCode> {
  const printed = options.as.length === 0 ? PRINTED[format](reported) : await printedAs(reported, options.as, format);
  print(`${printed}\n`);
  const files = options.export.length === 0 ? [] : await exportAll(reported, options.export, options.out);
  // What others read from stdout is one document.
  for (const file of files) (format === 'text' ? printLine : tell)(`exported: ${file}`);
  for (const { notes } of reported) for (const note of notes) tell(`reprise: ${note}`);
  if (options.open) for (const run of reported) if (run.page !== null) await openInBrowser(run.page);
  return reported.some(({ problems }) => problems.size > 0) ? EXIT.usage : EXIT.ok;
}

/** Judges a sweep again, writes what it says, and returns the path of its page. */
async function reportSweep(dir: string, judgement: SweepJudgement, format: Format): Promise<string> {
  const printed = SWEEP_PRINTED[format];
  if (printed === undefined) throw new UserError(`--format ${format}: a sweep is printed as text, markdown or json`);
  const progress = showCount('runs judged', format !== 'text');
  const { report: judged, name } = await judgeSweep(dir, judgement, (done, of) => progress.show(done, of, null));
  progress.end();
  await writeSweep(dir, judged, name);
  const page = resolve(sweepPage(dir, name));
  print(`${printed(judged)}\n${format === 'text' ? `report: ${page}\n` : ''}`);
  return page;
}

const SWEEP_PRINTED: Readonly<Partial<Record<Format, (found: SweepReport) => string>>> = {
  text: (found) => sweepText(found, { color: hasColor() }),
  markdown: sweepMarkdown,
  json: (found) => JSON.stringify(found, null, 2),
};

interface JudgedBy {
  readonly otherSlo: SloSpec | null;
  readonly otherGoal: number | null;
  readonly scales: readonly number[];
}

/**
 * Runs by their directories; of a result file of another tool, the run directory that is made of it. `copies` gets the
 * directories that are to be removed once they have been printed.
 */
async function reportAll(
  { directories, out, export: exports }: z.infer<typeof schema>,
  { otherSlo, otherGoal, scales }: JudgedBy,
  copies: string[],
  format: Format,
): Promise<Reported[]> {
  // With --export, --out is the folder of what is exported.
  const imports = { out: exports.length > 0 ? undefined : out, slo: otherSlo, at: otherGoal };
  const reported: Reported[] = [];
  for (const given of directories) {
    const imported = await importedOf(given, imports, directories.length);
    const named = imported?.dir ?? runArgument(given);
    const copy = imported === null ? await mendCopy(named) : null;
    const dir = copy?.dir ?? named;
    if (copy !== null) copies.push(dir);
    const manifest = imported?.isNew === true ? imported.manifest : judgedBy(await mendRun(dir), otherSlo, otherGoal);
    if (scales.length > 0 && manifest.slo === null)
      throw new UserError(
        `--slo-scales: run ${manifest.run_id} has no SLO to scale; give its limits, e.g. --slo ttft=200ms`,
      );
    const problems = new Set<string>();
    const summary = await shownReport(dir, manifest, scales, problems, format);
    const page = copy !== null || !isWritable(dir) ? null : resolve(reportFile(dir, judgedName(manifest)));
    const unwritten = page === null ? [`${copy?.why ?? `${dir}: cannot be written`}; nothing was written`] : [];
    const unsealed =
      manifest.files === undefined
        ? [`${dir}: has no seal, as an earlier version wrote it; damage that leaves its files readable does not show`]
        : [];
    reported.push({ dir, manifest, summary, problems, page, notes: [...problems, ...unwritten, ...unsealed] });
  }
  return reported;
}

/** As `reportRun`, with a line that shows how far it is: a million records take half a minute. */
async function shownReport(
  dir: string,
  manifest: Manifest,
  scales: readonly number[],
  problems: Set<string>,
  format: Format,
): Promise<Summary> {
  const progress = showCount('records read', format !== 'text');
  try {
    return await reportRun(dir, manifest, scales, problems, (read, of, what) => {
      // Nothing is left to wait for behind the last.
      if (read < of) progress.show(read, of, what);
    });
  } finally {
    progress.end();
  }
}

/** The trend page of each branch in a folder, from its history. */
async function reportTrend(
  dir: string,
  { directories, open, format = 'text', json }: z.infer<typeof schema>,
): Promise<ExitCode> {
  if (json || !['text', 'markdown'].includes(format))
    throw new UserError(
      `--format ${json ? 'json' : format}: a trend is text or markdown; its figures are in history.jsonl`,
    );
  if (directories.length > 0)
    throw new UserError(`report --trend ${dir}: has pages of its own; leave ${directories.join(' ')} out`);
  for (const folder of branchFolders(dir)) {
    const trend = await rebuildTrend(folder);
    const page = resolve(trendFiles(folder).page);
    const { glyph, sentence } = trendVerdict(trend);
    print(format === 'markdown' ? `${trendMarkdown(trend)}\n` : `${glyph} ${sentence}\ntrend: ${page}\n`);
    if (open) await openInBrowser(page);
  }
  return EXIT.ok;
}

interface Reported {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
  /** What is wrong with its files. */
  readonly problems: ReadonlySet<string>;
  /** Null where nothing could be written. */
  readonly page: string | null;
  /** For stderr. */
  readonly notes: readonly string[];
}

/** What is printed of the runs, as one document. */
const PRINTED: Readonly<Record<Format, (reported: readonly Reported[]) => string>> = {
  text: (reported) => reported.map(terminalText).join('\n\n'),
  markdown: (reported) => reported.map(({ summary, manifest }) => summaryMarkdown(summary, manifest)).join('\n'),
  csv: (reported) => summaryCsv(reported.map(({ summary }) => summary)),
  json: ([first, ...others]) =>
    JSON.stringify(others.length === 0 ? first?.summary : [first, ...others].map((each) => each?.summary), null, 2),
};

function terminalText({ page, manifest, summary }: Reported): string {
  const figures = summaryText(summary, manifest, { color: hasColor() });
  return page === null ? figures : `${figures}\nreport: ${page}`;
}
