import { z } from 'zod';
import { convertTrace, resolveWorkload, WRITERS } from '../../workloads/index.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { expected, text } from '../core/option-fields.ts';
import { withThousands } from '../core/units.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { readingOf, TEXT_FIELDS, TRACE_FIELDS } from '../run/trace-options.ts';
import { CUT_FIELDS, TIME_FIELDS, transformsOf } from '../run/transform-options.ts';
import { readOptions } from './command.ts';
import { checkTimesScaled, CUT_OPTIONS, TIME_OPTIONS } from './cut-options.ts';
import { print, printWarning, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { TEXT_OPTIONS, TRACE_OPTIONS } from './trace-options.ts';

/** Options of what reads a trace, changes it and writes it. */
export const convertSchema = z.looseObject({
  file: text,
  out: text,
  to: text.optional(),
  ...TRACE_FIELDS,
  ...TEXT_FIELDS,
  ...TIME_FIELDS,
  ...CUT_FIELDS,
  seed: z.int(expected('a whole number')),
  quiet: z.boolean(),
});

export const traceConvert: TraceAction = {
  examples: [
    'reprise trace convert trace.csv trace.rtrace.jsonl.gz',
    'reprise trace convert trace.jsonl part.jsonl --to mooncake --window 60s..120s',
  ],
  takes: 'FILE OUT',
  options: {
    to: {
      type: 'string',
      describe: `format to write: ${WRITERS.map(({ name }) => name).join(', ')}; packed where OUT ends in .gz [default: azure for .csv, else native]`,
    },
    ...TRACE_OPTIONS,
    ...TEXT_OPTIONS,
    ...TIME_OPTIONS,
    ...CUT_OPTIONS,
    seed: { type: 'number', default: 1, describe: 'of transforms that are random' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (all, given) => {
    checkTimesScaled(given);
    return convert(readOptions(convertSchema, all));
  },
};

async function convert(options: z.infer<typeof convertSchema>): Promise<ExitCode> {
  const { file, out, to, quiet } = options;
  keepYoungGenerationSmall();
  const log = { ...SILENT, warn: printWarning, ...(quiet ? {} : { info: tell }) };
  const spec = { path: resolveWorkload(file), ...readingOf(options), transforms: transformsOf(options) };
  const { format, requests, badRows } = await convertTrace(spec, out, to ?? null, log);
  const without = badRows === 0 ? '' : `, without ${withThousands(badRows)} rows that could not be read`;
  print(`${out}: ${withThousands(requests)} requests as ${format}${without}\n`);
  return EXIT.ok;
}
