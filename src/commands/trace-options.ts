import type { Command } from './command.ts';

/** Of commands that count the texts of a trace, and make no prompts. */
export const TEXT_OPTIONS: Command['options'] = {
  tokenizer: {
    type: 'string',
    describe:
      "a model's tokenizer.json or its folder: counts the texts of a trace that has no lengths [default: 4 characters a token]",
  },
};

/** The options that say how a trace is read, for yargs and `--help`. */
export const TRACE_OPTIONS: Command['options'] = {
  'trace-format': { type: 'string', describe: 'format of the trace [default: as its first lines tell]' },
  map: {
    type: 'string',
    describe:
      'which column of a CSV or JSON Lines file is what, e.g. arrival=startTime:iso,input=usage.prompt_tokens,output=tokens_out; units: s, ms, us, ns, iso, epoch_s ...; the usual names of the others are guessed; arrival=none: no times',
  },
  'block-tokens': { type: 'number', describe: 'tokens of a prefix block [default: as the trace says or shows]' },
  'input-is': {
    type: 'string',
    describe:
      'what input tokens count: whole (the prompt), uncached (of logs and spans: cached tokens are added) or new (in its session) [default: as the format has it]',
  },
  'on-bad-row': { type: 'string', default: 'fail', describe: 'fail or skip' },
};
