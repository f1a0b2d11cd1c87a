import { resolve } from 'node:path';
import { z } from 'zod';
import { judgedBy, judgedName, mendRun, reportRun } from '../run/finish.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseGoal } from '../core/slo.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { reportFile } from '../runs/run-directory.ts';
import { summaryCsv, summaryMarkdown, summaryText, trendMarkdown, trendVerdict } from '../../reports/index.ts';
import { rebuildTrend } from '../search/nightly/files.ts';
import { branchFolders, trendFiles } from '../search/nightly/history.ts';
import { resolveSlo } from '../slos/index.ts';
import { expected, text } from '../core/option-fields.ts';
import { readOptions, type Command } from './command.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { runArgument } from './run-argument.ts';
import { sloList } from './slo-list.ts';
import { hasColor } from './terminal.ts';

const FORMATS = ['text', 'markdown', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];

const schema = z.looseObject({
  directories: z.array(z.string()).default([]),
  slo: text.optional(),
  at: text.optional(),
  format: z.enum(FORMATS, expected(FORMATS.join(', '))).optional(),
  json: z.boolean(),
  open: z.boolean(),
  trend: text.optional(),
});

export const reportCommand: Command = {
  usage: 'report [directories..]',
  describe: 'Rebuild summary and report from the records of runs; mends a run that was killed',
  examples: [
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --slo distserve-osdi-chat-opt-13b',
    'reprise report runs/* --format csv > figures.csv',
    'reprise report --trend nights',
  ],
  positionals: { directories: { type: 'string', array: true, describe: 'run directories' } },
  options: {
    slo: {
      type: 'string',
      describe:
        "judge by other limits, or by a profile, in files beside the run's own; list shows the profiles [default: as the run was]",
    },
    at: { type: 'string', describe: 'share of requests that should meet the SLO, e.g. 95% [default: as the run was]' },
    format: {
      type: 'string',
      describe:
        'text, markdown (to paste), csv (a row a run) or json (summary.json; of several runs an array) [default: text]',
    },
    json: { type: 'boolean', default: false, describe: 'the same as --format json' },
    open: OPEN_OPTION,
    trend: { type: 'string', describe: 'rebuild the trend pages of reprise nightly in this folder, of runs none' },
  },
  run: (parsed) => report(readOptions(schema, parsed)),
};

async function report(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { directories, slo, at, format, json, open, trend } = options;
  if (trend !== undefined) return await reportTrend(trend, options);
  if (slo === 'list') {
    process.stdout.write(sloList(json));
    return EXIT.ok;
  }
  if (directories.length === 0) throw new UserError('report: name a run directory, e.g. runs/*-chat-*');
  const otherSlo = slo === undefined ? null : resolveSlo(slo);
  const otherGoal = at === undefined ? null : parseGoal(at);
  const reported: Reported[] = [];
  for (const dir of directories.map(runArgument)) {
    const manifest = judgedBy(await mendRun(dir), otherSlo, otherGoal);
    reported.push({ dir, manifest, summary: await reportRun(dir, manifest) });
  }
  process.stdout.write(`${PRINTED[format ?? (json ? 'json' : 'text')](reported)}\n`);
  if (open) for (const { dir, manifest } of reported) await openInBrowser(reportOf(dir, manifest));
  return EXIT.ok;
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
    process.stdout.write(
      format === 'markdown' ? `${trendMarkdown(trend)}\n` : `${glyph} ${sentence}\ntrend: ${page}\n`,
    );
    if (open) await openInBrowser(page);
  }
  return EXIT.ok;
}

interface Reported {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
}

/** What is printed of the runs, as one document. */
const PRINTED: Readonly<Record<Format, (reported: readonly Reported[]) => string>> = {
  text: (reported) => reported.map(terminalText).join('\n\n'),
  markdown: (reported) => reported.map(({ summary, manifest }) => summaryMarkdown(summary, manifest)).join('\n'),
  csv: (reported) => summaryCsv(reported.map(({ summary }) => summary)),
  json: ([first, ...others]) =>
    JSON.stringify(others.length === 0 ? first?.summary : [first, ...others].map((each) => each?.summary), null, 2),
};

function terminalText({ dir, manifest, summary }: Reported): string {
  const figures = summaryText(summary, manifest, { color: hasColor(process.stdout) });
  return `${figures}\nreport: ${reportOf(dir, manifest)}`;
}

function reportOf(dir: string, manifest: Manifest): string {
  return resolve(reportFile(dir, judgedName(manifest)));
}
