import { COPY_BLOCKS, COPY_TIMES } from '../../workloads/transforms/copies.ts';
import { DECLUMP } from '../../workloads/transforms/declump.ts';
import { RATE_BY } from '../../workloads/transforms/rate.ts';
import { UserError } from '../core/errors.ts';
import type { Command, Given } from './command.ts';

/** The options that change which requests of a trace there are, and how long they are, for yargs and `--help`. */
export const CUT_OPTIONS: Command['options'] = {
  window: { type: 'string', describe: 'part of the trace, e.g. 60s..120s' },
  warm: { type: 'boolean', describe: 'prefix blocks of before the window count as known to the cache' },
  filter: {
    type: 'string',
    describe:
      'requests that meet all of FIELD=VALUE[,VALUE], != < <= > >=, e.g. "class=chat;input<=8000"; fields: class, model, user, session, agent, id, input, output, turn, row',
  },
  'sample-sessions': {
    type: 'number',
    describe: 'this share of the sessions, whole; without sessions, of prompts that begin alike: prefix reuse stays',
  },
  thin: { type: 'number', describe: 'this share of the requests, each by itself: bursts and prefix reuse get less' },
  limit: { type: 'number', describe: 'first N requests' },
  declump: {
    type: 'string',
    describe: `spread requests at one time until the next time: ${DECLUMP.join(' or ')} (at random); for rounded times`,
  },
  'scale-input': { type: 'number', describe: 'prompts, and what they share, this many times as long' },
  'scale-prefix': {
    type: 'number',
    describe:
      'the part of each prompt that another begins with too (prefix blocks of two rows) this many times as long',
  },
  'scale-unique': { type: 'number', describe: 'what is behind that part this many times as long' },
  'scale-output': { type: 'number', describe: 'answers this many times as long' },
  'clip-input': { type: 'number', describe: 'cut prompts, and their prefix blocks, to N tokens' },
  'clip-output': { type: 'number', describe: 'cut answers to N tokens' },
  copies: { type: 'number', describe: 'N copies of the trace at once, 1.5: one and a sample of the sessions' },
  'copy-times': {
    type: 'string',
    describe: `copies begin at other places of the trace, or all at its own times, which doubles bursts: ${COPY_TIMES.join(' or ')} [default: ${COPY_TIMES[0]}]`,
  },
  'copy-blocks': {
    type: 'string',
    describe: `prefix blocks of copies: ${COPY_BLOCKS.join(' or ')}, which makes a cache find more than in the trace [default: ${COPY_BLOCKS[0]}]`,
  },
};

/** The options that scale the time of a trace. */
export const TIME_OPTIONS: Command['options'] = {
  speed: { type: 'number', default: 1, describe: 'replay the trace this many times as fast' },
  rate: { type: 'number', describe: 'scale time so that this many requests a second are due on average' },
  'rate-by': {
    type: 'string',
    default: 'time',
    describe: `how --rate is reached: ${RATE_BY.join(', ')}; time scales all times alike, sessions and superpose take a sample of the trace or add copies of it`,
  },
  'scale-think': {
    type: 'boolean',
    default: false,
    describe: 'speed and rate scale the think times of sessions too, which otherwise stay as they were',
  },
};

/**
 * Throws a UserError for options that say how time is scaled where nothing scales it. Of a search or a sweep, which have
 * rates of their own, it is no mistake.
 */
export function checkTimesScaled(given: Given): void {
  const { speed, rate, 'rate-by': rateBy, 'scale-think': scaleThink } = given;
  if (rateBy !== undefined && rate === undefined)
    throw new UserError('--rate-by: there is no rate to reach; give --rate RPS too');
  if (scaleThink === true && speed === undefined && rate === undefined)
    throw new UserError('--scale-think: nothing scales time; give --speed X or --rate RPS too');
}
