import type { Command } from './command.ts';

/** The options that cut a trace, for yargs and `--help`. */
export const CUT_OPTIONS: Command['options'] = {
  window: { type: 'string', describe: 'part of the trace, e.g. 60s..120s' },
  'clip-input': { type: 'number', describe: 'cut prompts, and their prefix blocks, to N tokens' },
  'clip-output': { type: 'number', describe: 'cut answers to N tokens' },
  limit: { type: 'number', describe: 'first N requests' },
};

/** The options that scale the time of a trace. */
export const TIME_OPTIONS: Command['options'] = {
  speed: { type: 'number', default: 1, describe: 'replay the trace this many times as fast' },
  rate: { type: 'number', describe: 'scale time so that this many requests a second are due on average' },
  'rate-by': {
    type: 'string',
    default: 'time',
    describe: 'how --rate is reached: time, which scales all times alike, is the only one so far',
  },
  'scale-think': {
    type: 'boolean',
    default: false,
    describe: 'speed and rate scale the think times of sessions too, which otherwise stay as they were',
  },
};
