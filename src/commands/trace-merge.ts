import { z } from 'zod';
import { mergeTraces, resolveWorkload } from '../../workloads/index.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { text } from '../core/option-fields.ts';
import { withThousands } from '../core/units.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { readingOf, TEXT_FIELDS, TRACE_FIELDS } from '../run/trace-options.ts';
import { readOptions } from './command.ts';
import { print, printWarning, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { traceConvert } from './trace-convert.ts';
import { TEXT_OPTIONS, TRACE_OPTIONS } from './trace-options.ts';

const EXAMPLE = 'reprise trace merge chat.csv agents.jsonl all.rtrace.jsonl.gz';

const schema = z.looseObject({
  file: text,
  out: text,
  others: z.array(text).default([]),
  to: text.optional(),
  sameNamespace: z.boolean(),
  ...TRACE_FIELDS,
  ...TEXT_FIELDS,
  quiet: z.boolean(),
});

const { to, quiet } = traceConvert.options;

export const traceMerge: TraceAction = {
  examples: [EXAMPLE],
  takes: 'FILE FILE... OUT',
  options: {
    'same-namespace': {
      type: 'boolean',
      default: false,
      describe: 'merge: prefix blocks of the same id are the same in all traces [default: each trace has its own]',
    },
    ...TRACE_OPTIONS,
    ...TEXT_OPTIONS,
    ...(to && { to }),
    ...(quiet && { quiet }),
  },
  run: (all) => merge(readOptions(schema, all)),
};

async function merge(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { file, out: second, others, sameNamespace } = options;
  const out = others.at(-1);
  if (out === undefined)
    throw new UserError(
      `reprise trace merge: name two traces or more, and behind them the file to write, e.g. ${EXAMPLE}`,
    );
  keepYoungGenerationSmall();
  const specs = [file, second, ...others.slice(0, -1)].map((name) => ({
    path: resolveWorkload(name),
    ...readingOf(options),
    transforms: [],
  }));
  const { format, requests, badRows } = await mergeTraces(specs, {
    out,
    to: options.to ?? null,
    sharesBlocks: sameNamespace,
    log: { ...SILENT, warn: printWarning, ...(options.quiet ? {} : { info: tell }) },
  });
  const without = badRows === 0 ? '' : `, without ${withThousands(badRows)} rows that could not be read`;
  print(`${out}: ${withThousands(requests)} requests of ${specs.length} traces as ${format}${without}\n`);
  return EXIT.ok;
}
