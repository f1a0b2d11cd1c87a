import { z } from 'zod';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { wholeNumber } from '../core/option-fields.ts';
import { readOptions, type Command } from './command.ts';
import { print, tell } from './terminal.ts';

const schema = z.looseObject({
  action: z.literal('inspect'),
  file: z.string(),
  blockTokens: wholeNumber.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
});

export const traceCommand: Command = {
  usage: 'trace <action> <file>',
  describe: 'What is in a trace',
  examples: ['reprise trace inspect trace.csv', 'reprise trace inspect trace.csv --json'],
  positionals: {
    action: { type: 'string', choices: ['inspect'], describe: 'what to do', demandOption: true },
    file: { type: 'string', describe: 'a trace file, or a bundled sample: chat, code', demandOption: true },
  },
  options: {
    'block-tokens': { type: 'number', describe: 'tokens of a prefix block [default: as the file says or shows]' },
    json: { type: 'boolean', default: false, describe: 'for machines' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (parsed) => inspect(readOptions(schema, parsed)),
};

async function inspect({ file, blockTokens, json, quiet }: z.infer<typeof schema>): Promise<ExitCode> {
  const inspection = await inspectTrace(resolveWorkload(file), blockTokens, (news) => {
    if (!quiet) tell(news);
  });
  print(json ? `${JSON.stringify(inspection, null, 2)}\n` : `${inspectionText(inspection)}\n`);
  return EXIT.ok;
}
