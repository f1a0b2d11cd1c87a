import { z } from 'zod';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { readingOf, TRACE_FIELDS } from '../run/trace-options.ts';
import { readOptions } from './command.ts';
import { print, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { TRACE_OPTIONS } from './trace-options.ts';

/** Bad rows are counted here, whatever they are. */
const { 'on-bad-row': _, ...TRACE_READING } = TRACE_OPTIONS;

const schema = z.looseObject({
  file: z.string(),
  ...TRACE_FIELDS,
  json: z.boolean(),
  quiet: z.boolean(),
});

export const traceInspect: TraceAction = {
  describe: 'what is in a trace',
  examples: ['reprise trace inspect trace.csv', 'reprise trace inspect trace.csv --json'],
  takesOut: false,
  options: {
    ...TRACE_READING,
    json: { type: 'boolean', default: false, describe: 'for machines' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (all) => inspect(readOptions(schema, all)),
};

async function inspect({ file, json, quiet, ...options }: z.infer<typeof schema>): Promise<ExitCode> {
  const inspection = await inspectTrace(resolveWorkload(file), readingOf(options), (news) => {
    if (!quiet) tell(news);
  });
  print(json ? `${JSON.stringify(inspection, null, 2)}\n` : `${inspectionText(inspection)}\n`);
  return EXIT.ok;
}
