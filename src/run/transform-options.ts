import { z } from 'zod';
import { COPY_BLOCKS, COPY_TIMES } from '../../workloads/transforms/copies.ts';
import { DECLUMP } from '../../workloads/transforms/declump.ts';
import { RATE_BY } from '../../workloads/transforms/rate.ts';
import { UserError } from '../core/errors.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import type { TransformSpec } from '../core/plan.ts';
import { parseWindowUs } from '../core/units.ts';

const SHARE = expected('a share above 0 and up to 1, e.g. 0.5');
const share = z.number(SHARE).positive(SHARE).max(1, SHARE).optional();
const FACTOR = expected('a number above 0, e.g. 0.5');
const factor = z.number(FACTOR).positive(FACTOR).optional();

/** Options that change which requests there are, and how long they are, for every command that reads a trace. */
export const CUT_FIELDS = {
  /** `60s..120s`. */
  window: text.optional(),
  /** Prefix blocks of before the window count as known. */
  warm: z.boolean(expected('true or false')).optional(),
  /** `class=chat,api;input<=8000`. */
  filter: text.optional(),
  sampleSessions: share,
  thin: share,
  limit: wholeNumber.optional(),
  declump: z.enum(DECLUMP, expected(DECLUMP.join(' or '))).optional(),
  scaleInput: factor,
  scalePrefix: factor,
  scaleUnique: factor,
  scaleOutput: factor,
  clipInput: wholeNumber.optional(),
  clipOutput: wholeNumber.optional(),
  copies: z.number(expected('a number from 1, e.g. 2')).min(1, expected('a number from 1, e.g. 2')).optional(),
  copyTimes: z.enum(COPY_TIMES, expected(COPY_TIMES.join(' or '))).optional(),
  copyBlocks: z.enum(COPY_BLOCKS, expected(COPY_BLOCKS.join(' or '))).optional(),
};

const RATE = expected('requests a second, e.g. 7.5');
const SPEED = expected('a number above 0, e.g. 1.5');

/** Options that scale the time of a trace. */
export const TIME_FIELDS = {
  speed: z.number(SPEED).positive(SPEED).default(1),
  rate: z.number(RATE).positive(RATE).optional(),
  /** How `rate` is reached. */
  rateBy: z.enum(RATE_BY, expected(RATE_BY.join(', '))).default('time'),
  /** Whether speed and rate scale think times too. */
  scaleThink: z.boolean().default(false),
};

export interface TransformOptions extends z.infer<z.ZodObject<typeof CUT_FIELDS>> {
  readonly rate?: number | undefined;
  readonly rateBy?: (typeof RATE_BY)[number];
  /** 1: as in the trace. */
  readonly speed: number;
  readonly scaleThink?: boolean | undefined;
  /** Of all that are random. */
  readonly seed: number;
}

/**
 * Transforms in the order in which they are applied. Which requests of the trace there are comes first, then their times
 * and lengths, then copies of what that makes, and the rate at last: it is that of the requests that are replayed.
 */
export function transformsOf(options: TransformOptions): TransformSpec[] {
  checkPairs(options);
  const { seed, copies, copyTimes, copyBlocks, rate, rateBy = 'time', speed, scaleThink } = options;
  const thinks = scaleThink === true ? { scale_think: 1 } : {};
  return [
    ...windowOf(options),
    ...spec('filter', { where: options.filter }),
    ...spec('sample-sessions', { share: options.sampleSessions }, { seed }),
    ...spec('thin', { share: options.thin }, { seed }),
    ...spec('limit', { requests: options.limit }),
    ...spec('declump', { by: options.declump }, options.declump === 'uniform' ? { seed } : {}),
    ...spec('scale-input', { factor: options.scaleInput }),
    ...scalePartsOf(options),
    ...spec('scale-output', { factor: options.scaleOutput }),
    ...spec('clip-input', { tokens: options.clipInput }),
    ...spec('clip-output', { tokens: options.clipOutput }),
    ...spec('copies', { copies }, { seed, times: copyTimes ?? COPY_TIMES[0], blocks: copyBlocks ?? COPY_BLOCKS[0] }),
    ...spec('rate', { rps: rate }, { ...(rateBy === 'time' ? {} : { by: rateBy, seed }), ...thinks }),
    ...spec('speed', { factor: speed === 1 ? undefined : speed }, thinks),
  ];
}

/** One transform where its first argument is given, none where it is not. */
function spec(
  op: string,
  first: Record<string, number | string | undefined>,
  args: TransformSpec['args'] = {},
): TransformSpec[] {
  return Object.entries(first).flatMap(([name, value]) =>
    value === undefined ? [] : [{ op, args: { [name]: value, ...args } }],
  );
}

function scalePartsOf({ scalePrefix, scaleUnique }: TransformOptions): TransformSpec[] {
  if ((scalePrefix ?? scaleUnique) === undefined) return [];
  return [{ op: 'scale-parts', args: { prefix: scalePrefix ?? 1, unique: scaleUnique ?? 1 } }];
}

function windowOf({ window, warm }: TransformOptions): TransformSpec[] {
  if (window === undefined) return [];
  const { fromUs, toUs } = parseWindowUs(window);
  const to = Number.isFinite(toUs) ? { to_us: toUs } : {};
  return [{ op: 'window', args: { from_us: fromUs, ...to, ...(warm === true ? { warm: 1 } : {}) } }];
}

/** Options that mean nothing alone, or not together. */
function checkPairs(options: TransformOptions): void {
  const { window, warm, scaleInput, scalePrefix, scaleUnique, copies, copyTimes, copyBlocks, rate, speed } = options;
  if (scaleInput !== undefined && (scalePrefix ?? scaleUnique) !== undefined)
    throw new UserError('--scale-input is --scale-prefix and --scale-unique alike: give it, or one of them or both');
  if (warm === true && window === undefined)
    throw new UserError('--warm: there is nothing before the trace; give --window FROM..TO too');
  if (copies === undefined && (copyTimes ?? copyBlocks) !== undefined)
    throw new UserError('--copy-times, --copy-blocks: there are no copies; give --copies N too');
  if (rate !== undefined && speed !== 1)
    throw new UserError(`--rate ${rate} and --speed ${speed} both scale time: give one of them`);
}
