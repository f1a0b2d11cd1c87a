import type { Command } from './command.ts';

/** The options that cut a trace, for yargs and `--help`. */
export const CUT_OPTIONS: Command['options'] = {
  window: { type: 'string', describe: 'part of the trace, e.g. 60s..120s' },
  'clip-input': { type: 'number', describe: 'cut prompts, and their prefix blocks, to N tokens' },
  'clip-output': { type: 'number', describe: 'cut answers to N tokens' },
  limit: { type: 'number', describe: 'first N requests' },
};
