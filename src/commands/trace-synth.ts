import { z } from 'zod';
import {
  CLIENT_DRAWS,
  resolveWorkload,
  SYNTH_FORMS,
  synthesize,
  writeTrace,
  type SynthSpec,
} from '../../workloads/index.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { kebab } from '../core/option-names.ts';
import { parseDurationUs, withThousands } from '../core/units.ts';
import { readingOf, TRACE_FIELDS } from '../run/trace-options.ts';
import { STDIN_FILE } from './command-line.ts';
import { readOptions } from './command.ts';
import { print, printWarning, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { traceConvert } from './trace-convert.ts';
import { TRACE_OPTIONS } from './trace-options.ts';

const A_CHANCE = expected('a chance from 0 to 1, e.g. 0.2');
const CHANCE = z.number(A_CHANCE).min(0, A_CHANCE).max(1, A_CHANCE);

const schema = z.looseObject({
  file: text,
  to: text.optional(),
  fit: text.optional(),
  clients: text.optional(),
  topClients: wholeNumber.optional(),
  clientLengths: z.enum(CLIENT_DRAWS, expected(CLIENT_DRAWS.join(' or '))).optional(),
  arrivals: text.optional(),
  input: text.optional(),
  output: text.optional(),
  lengths: text.optional(),
  turns: text.optional(),
  think: text.optional(),
  branchChance: CHANCE.optional(),
  branchTurns: text.optional(),
  prefixes: text.optional(),
  duration: text.optional(),
  requests: wholeNumber.optional(),
  ...TRACE_FIELDS,
  seed: z.int(expected('a whole number')),
  quiet: z.boolean(),
});

const { to, seed, quiet } = traceConvert.options;

export const traceSynth: TraceAction = {
  examples: [
    'reprise trace synth like-mine.rtrace.jsonl.gz --fit trace.csv --duration 2h',
    'reprise trace synth bursts.csv --arrivals gamma:rate=5,cv=2 --lengths trace.csv --duration 1h',
    'reprise trace synth agents.rtrace.jsonl --arrivals poisson:rate=0.1 --turns geometric:mean=12 --think lognormal:median=8s,sigma=1 --input lognormal:median=800,sigma=1 --output 200 --prefixes groups:count=5,tokens=4096 --duration 1h',
  ],
  takes: 'FILE',
  options: {
    fit: {
      type: 'string',
      describe:
        'synth: a trace to be like: its rate over time, its lengths by pairs, its prefix reuse; how like it is is printed',
    },
    clients: {
      type: 'string',
      describe: 'synth: a folder of ServeGen, whose clients each send by their own rates over time and lengths',
    },
    'top-clients': { type: 'number', describe: 'synth: only so many of them, those that send most [default: all]' },
    'client-lengths': {
      type: 'string',
      describe: `synth: ${CLIENT_DRAWS.join(' or ')}: each length by itself, or long prompts with long answers [default: ${CLIENT_DRAWS[0]}]`,
    },
    arrivals: {
      type: 'string',
      describe: `synth: when requests arrive, or sessions: ${SYNTH_FORMS.arrivals.join(', ')}`,
    },
    input: {
      type: 'string',
      describe: `synth: input tokens, of a later turn the new ones: ${SYNTH_FORMS.draws.join('; ')}; 0.3*A+0.7*B: either, by shares`,
    },
    output: { type: 'string', describe: 'synth: output tokens, as --input' },
    lengths: {
      type: 'string',
      describe: 'synth: a trace of whose rows both lengths are drawn, in place of --input and --output',
    },
    turns: { type: 'string', describe: 'synth: turns of a session, as --input [default: no sessions]' },
    think: {
      type: 'string',
      describe:
        'synth: time from an answer to the next turn, as --input with units, e.g. lognormal:median=8s,sigma=1 [default: none]',
    },
    'branch-chance': {
      type: 'number',
      describe: 'synth: chance that a turn has a subagent, which the next turn waits for',
    },
    'branch-turns': { type: 'string', describe: 'synth: turns of a subagent, as --input [default: 1]' },
    prefixes: {
      type: 'string',
      describe: `synth: system prompts that requests or sessions share: ${SYNTH_FORMS.prefixes}; alpha: how much more the first are used`,
    },
    duration: {
      type: 'string',
      describe: 'synth: time in which requests, or sessions, arrive, e.g. 30m [default of --fit: as long as the trace]',
    },
    requests: { type: 'number', describe: 'synth: requests at most' },
    ...TRACE_OPTIONS,
    ...(to && { to }),
    ...(seed && { seed }),
    ...(quiet && { quiet }),
  },
  run: (all) => synth(readOptions(schema, all)),
};

/** Options that mean nothing where a trace is fitted, or clients are read. */
const PARTS = [
  'arrivals',
  'input',
  'output',
  'lengths',
  'turns',
  'think',
  'branchChance',
  'branchTurns',
  'prefixes',
] as const;

function makeOf(options: z.infer<typeof schema>): SynthSpec['make'] {
  const { fit, clients, topClients, clientLengths, arrivals, lengths } = options;
  const traceOf = (file: string): { path: string; transforms: []; onBadRow: 'fail' | 'skip' } => ({
    path: resolveWorkload(file),
    ...readingOf(options),
    transforms: [],
  });
  const other = PARTS.find((name) => options[name] !== undefined);
  const whole = fit === undefined ? '--clients' : '--fit';
  if (other !== undefined && (fit ?? clients) !== undefined)
    throw new UserError(`--${kebab(other)}: ${whole} says all of what is made; leave one of them out`);
  if (fit !== undefined && clients !== undefined)
    throw new UserError('--fit and --clients each say all of what is made; give one of them');
  if (clients === undefined && (topClients ?? clientLengths) !== undefined)
    throw new UserError('--top-clients, --client-lengths: there are no clients; give --clients FOLDER too');
  if (clients !== undefined)
    return { clients: { folder: clients, top: topClients ?? null, draws: clientLengths ?? CLIENT_DRAWS[0] } };
  if (fit === undefined) {
    if (arrivals === undefined)
      throw new UserError('reprise trace synth: nothing says what to make; give --fit FILE, --arrivals or --clients');
    return { parts: { ...options, arrivals, lengths: lengths === undefined ? undefined : traceOf(lengths) } };
  }
  return { fit: traceOf(fit) };
}

async function synth(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { file: out, duration, requests, seed: ofDraws } = options;
  if (out === STDIN_FILE) throw new UserError('reprise trace synth: name the file to write');
  const { source, origin, notes, quality } = await synthesize({
    seed: ofDraws,
    durationS: duration === undefined ? null : parseDurationUs(duration, '--duration') / 1e6,
    requests: requests ?? null,
    make: makeOf(options),
  });
  for (const note of notes) printWarning(note);
  const log = { ...SILENT, warn: printWarning, ...(options.quiet ? {} : { info: tell }) };
  const { format, requests: written } = await writeTrace(source, origin, { out, to: options.to ?? null, log });
  if (quality !== null) print(`${quality(out, format)}\n`);
  print(`${out}: ${withThousands(written)} requests as ${format}\n`);
  return EXIT.ok;
}
