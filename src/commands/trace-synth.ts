import { z } from 'zod';
import { resolveWorkload, synthesize, writeTrace } from '../../workloads/index.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { parseDurationUs, withThousands } from '../core/units.ts';
import { readingOf, TRACE_FIELDS } from '../run/trace-options.ts';
import { STDIN_FILE } from './command-line.ts';
import { readOptions } from './command.ts';
import { print, printWarning, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { traceConvert } from './trace-convert.ts';
import { TRACE_OPTIONS } from './trace-options.ts';

const schema = z.looseObject({
  file: text,
  to: text.optional(),
  fit: text.optional(),
  duration: text.optional(),
  requests: wholeNumber.optional(),
  ...TRACE_FIELDS,
  seed: z.int(expected('a whole number')),
  quiet: z.boolean(),
});

const { to, seed, quiet } = traceConvert.options;

export const traceSynth: TraceAction = {
  describe: 'makes a trace, like one that you have',
  examples: ['reprise trace synth like-mine.rtrace.jsonl.gz --fit trace.csv --duration 2h'],
  takesOut: false,
  options: {
    fit: {
      type: 'string',
      describe:
        'synth: a trace to be like: its rate over time, its lengths by pairs, its prefix reuse; how like it is is printed',
    },
    duration: { type: 'string', describe: 'synth: time to fill, e.g. 30m [default of --fit: as long as the trace]' },
    requests: { type: 'number', describe: 'synth: requests at most' },
    ...TRACE_OPTIONS,
    ...(to && { to }),
    ...(seed && { seed }),
    ...(quiet && { quiet }),
  },
  run: (all) => synth(readOptions(schema, all)),
};

async function synth(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { file: out, fit, duration, requests, seed: ofDraws } = options;
  if (out === STDIN_FILE) throw new UserError('reprise trace synth: name the file to write');
  if (fit === undefined) throw new UserError('reprise trace synth: nothing says what to make; give --fit FILE');
  const { source, origin, notes, quality } = await synthesize({
    seed: ofDraws,
    durationS: duration === undefined ? null : parseDurationUs(duration, '--duration') / 1e6,
    requests: requests ?? null,
    fit: { path: resolveWorkload(fit), ...readingOf(options), transforms: [] },
  });
  for (const note of notes) printWarning(note);
  const log = { ...SILENT, warn: printWarning, ...(options.quiet ? {} : { info: tell }) };
  const { format, requests: written } = await writeTrace(source, origin, { out, to: options.to ?? null, log });
  if (quality !== null) print(`${quality}\n`);
  print(`${out}: ${withThousands(written)} requests as ${format}\n`);
  return EXIT.ok;
}
