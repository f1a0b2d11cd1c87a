import { z } from 'zod';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { wholeNumber } from '../core/option-fields.ts';
import { readOptions } from './command.ts';
import { print, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';

const schema = z.looseObject({
  file: z.string(),
  blockTokens: wholeNumber.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
});

export const traceInspect: TraceAction = {
  describe: 'what is in a trace',
  examples: ['reprise trace inspect trace.csv', 'reprise trace inspect trace.csv --json'],
  takesOut: false,
  options: {
    'block-tokens': { type: 'number', describe: 'tokens of a prefix block [default: as the file says or shows]' },
    json: { type: 'boolean', default: false, describe: 'for machines' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (all) => inspect(readOptions(schema, all)),
};

async function inspect({ file, blockTokens, json, quiet }: z.infer<typeof schema>): Promise<ExitCode> {
  const inspection = await inspectTrace(resolveWorkload(file), blockTokens, (news) => {
    if (!quiet) tell(news);
  });
  print(json ? `${JSON.stringify(inspection, null, 2)}\n` : `${inspectionText(inspection)}\n`);
  return EXIT.ok;
}
