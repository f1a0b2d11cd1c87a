import { z } from 'zod';
import { UserError, type ExitCode } from '../core/errors.ts';
import { readOptions, type Command, type Given } from './command.ts';
import { LISTED } from './listed.ts';
import type { TraceAction } from './trace-action.ts';
import { traceConvert } from './trace-convert.ts';
import { traceInspect } from './trace-inspect.ts';
import { traceMerge } from './trace-merge.ts';
import { traceSplit } from './trace-split.ts';
import { traceSynth } from './trace-synth.ts';

/** Every action there is: adding one is a file and a line here. */
const ACTIONS: Readonly<Record<string, TraceAction>> = {
  inspect: traceInspect,
  convert: traceConvert,
  merge: traceMerge,
  split: traceSplit,
  synth: traceSynth,
};
const NAMES = Object.keys(ACTIONS);
const actions = Object.values(ACTIONS);
const schema = z.looseObject({
  action: z.enum(NAMES),
  out: z.string().optional(),
  others: z.array(z.string()).optional(),
});

export const traceCommand: Command = {
  ...LISTED.trace,
  examples: actions.flatMap(({ examples }) => examples),
  positionals: {
    action: { type: 'string', choices: NAMES, describe: 'what to do', demandOption: true },
    file: {
      type: 'string',
      describe: 'a trace file, or a bundled sample: chat, code; of synth, the file to write',
      demandOption: true,
    },
    out: { type: 'string', describe: 'the file to write, of actions that write one; of merge, the second trace' },
    others: { type: 'string', array: true, describe: 'of merge, further traces, and last the file to write' },
  },
  options: Object.assign({}, ...actions.map(({ options }) => options)),
  run: (all, given) => runAction(readOptions(schema, all), all, given),
};

function runAction(names: z.infer<typeof schema>, all: Given, given: Given): Promise<ExitCode> {
  const { action: name, out, others = [] } = names;
  const action = ACTIONS[name];
  if (action === undefined) throw new Error(`no trace action ${name}`);
  const { takes, options, examples } = action;
  const unexpected = takes === 'FILE' ? out : takes === 'FILE OUT' ? others[0] : undefined;
  if (unexpected !== undefined)
    throw new UserError(
      `reprise trace ${name}: got "${unexpected}" behind ${takes}, expected nothing there, e.g. ${examples[0]}`,
    );
  if (takes !== 'FILE' && out === undefined)
    throw new UserError(`reprise trace ${name}: name the file to write, e.g. ${examples[0]}`);
  for (const option of Object.keys(given))
    if (Object.hasOwn(traceCommand.options, option) && !Object.hasOwn(options, option))
      throw new UserError(`--${option}: trace ${name} has no such option; trace ${ownersOf(option)} has it`);
  return action.run(all, given);
}

function ownersOf(option: string): string {
  return NAMES.filter((name) => Object.hasOwn(ACTIONS[name]?.options ?? {}, option)).join(', ');
}
