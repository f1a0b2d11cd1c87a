import { resolve } from 'node:path';
import { z } from 'zod';
import { judgedBy, mendRun, reportRun } from '../run/finish.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseGoal } from '../core/slo.ts';
import type { Summary } from '../schema/summary.ts';
import { reportFile } from '../runs/run-directory.ts';
import { summaryText } from '../../reports/index.ts';
import { resolveSlo } from '../slos/index.ts';
import { text } from '../core/option-fields.ts';
import { readOptions, type Command } from './command.ts';
import { sloList } from './slo-list.ts';
import { hasColor } from './terminal.ts';

const schema = z.looseObject({
  directories: z.array(z.string()).default([]),
  slo: text.optional(),
  at: text.optional(),
  json: z.boolean(),
});

export const reportCommand: Command = {
  usage: 'report [directories..]',
  describe: 'Rebuild summary and report from the records of runs; mends a run that was killed',
  examples: [
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1',
    'reprise report runs/20261121T081500Z-chat-reference-vllm-v1 --slo distserve-osdi-chat-opt-13b',
  ],
  positionals: { directories: { type: 'string', array: true, describe: 'run directories' } },
  options: {
    slo: {
      type: 'string',
      describe: 'judge by other limits, or by a profile; list shows them [default: as the run was]',
    },
    at: { type: 'string', describe: 'share of requests that should meet the SLO, e.g. 95% [default: as the run was]' },
    json: {
      type: 'boolean',
      default: false,
      describe: 'print summary.json rather than text; of several runs an array',
    },
  },
  run: (parsed) => report(readOptions(schema, parsed)),
};

async function report({ directories, slo, at, json }: z.infer<typeof schema>): Promise<ExitCode> {
  if (slo === 'list') {
    process.stdout.write(sloList(json));
    return EXIT.ok;
  }
  if (directories.length === 0) throw new UserError('report: name a run directory, e.g. runs/*-chat-*');
  const otherSlo = slo === undefined ? null : resolveSlo(slo);
  const otherGoal = at === undefined ? null : parseGoal(at);
  const summaries: Summary[] = [];
  for (const dir of directories) {
    const manifest = judgedBy(await mendRun(dir), otherSlo, otherGoal);
    const summary = await reportRun(dir, manifest);
    summaries.push(summary);
    if (!json)
      process.stdout.write(
        `${summaryText(summary, manifest, { color: hasColor(process.stdout) })}\nreport: ${resolve(reportFile(dir))}\n`,
      );
  }
  // JSON output is one document, also for several runs.
  if (json) process.stdout.write(`${JSON.stringify(summaries.length === 1 ? summaries[0] : summaries, null, 2)}\n`);
  return EXIT.ok;
}
