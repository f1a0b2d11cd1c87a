import { resolve } from 'node:path';
import { z } from 'zod';
import { openRun, reportRun } from '../compose/finish-run.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { reportFile } from '../runs/run-directory.ts';
import { summaryText } from '../../reports/index.ts';
import { readOptions, type Command } from './command.ts';
import { hasColor } from './terminal.ts';

const schema = z.looseObject({ directories: z.array(z.string()), json: z.boolean() });

export const reportCommand: Command = {
  usage: 'report <directories..>',
  describe: 'Rebuild summary and report from the records of runs; mends a run that was killed',
  examples: ['reprise report runs/20261121T081500Z-chat-reference-vllm-v1'],
  positionals: { directories: { type: 'string', array: true, describe: 'run directories', demandOption: true } },
  options: { json: { type: 'boolean', default: false, describe: 'print summary.json rather than text' } },
  run: (parsed) => report(readOptions(schema, parsed)),
};

async function report({ directories, json }: z.infer<typeof schema>): Promise<ExitCode> {
  for (const dir of directories) {
    const manifest = await openRun(dir);
    const summary = await reportRun(dir, manifest);
    if (json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    else
      process.stdout.write(
        `${summaryText(summary, manifest, { color: hasColor(process.stdout) })}\nreport: ${resolve(reportFile(dir))}\n`,
      );
  }
  return EXIT.ok;
}
