import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import type { TransformSpec } from '../core/plan.ts';
import { parseWindowUs } from '../core/units.ts';

/** Options that cut a trace, for every command that reads one. */
export const CUT_FIELDS = {
  /** `60s..120s`. */
  window: text.optional(),
  clipInput: wholeNumber.optional(),
  clipOutput: wholeNumber.optional(),
  limit: wholeNumber.optional(),
};

const RATE = expected('requests a second, e.g. 7.5');
const SPEED = expected('a number above 0, e.g. 1.5');

/** Options that scale the time of a trace. */
export const TIME_FIELDS = {
  speed: z.number(SPEED).positive(SPEED).default(1),
  rate: z.number(RATE).positive(RATE).optional(),
  /** How `rate` is reached: all times are scaled alike. */
  rateBy: z.enum(['time'], expected('time, the only one so far: it scales all times alike')).default('time'),
  /** Whether speed and rate scale think times too. */
  scaleThink: z.boolean().default(false),
};

export interface TransformOptions extends z.infer<z.ZodObject<typeof CUT_FIELDS>> {
  readonly rate?: number | undefined;
  /** 1: as in the trace. */
  readonly speed: number;
  readonly scaleThink?: boolean | undefined;
}

/** Transforms in the order in which they are applied: window, limit, rate or speed, clips. */
export function transformsOf(options: TransformOptions): TransformSpec[] {
  const { window, rate, speed, limit, scaleThink = false } = options;
  const thinks = scaleThink ? { scale_think: 1 } : {};
  const transforms: TransformSpec[] = [];
  if (window !== undefined) {
    const { fromUs, toUs } = parseWindowUs(window);
    transforms.push({ op: 'window', args: { from_us: fromUs, ...(Number.isFinite(toUs) ? { to_us: toUs } : {}) } });
  }
  // Before the rate: the rate is that of the requests that are replayed.
  if (limit !== undefined) transforms.push({ op: 'limit', args: { requests: limit } });
  if (rate !== undefined && speed !== 1)
    throw new UserError(`--rate ${rate} and --speed ${speed} both scale time: give one of them`);
  if (rate !== undefined) transforms.push({ op: 'rate', args: { rps: rate, ...thinks } });
  if (speed !== 1) transforms.push({ op: 'speed', args: { factor: speed, ...thinks } });
  if (options.clipInput !== undefined) transforms.push({ op: 'clip-input', args: { tokens: options.clipInput } });
  if (options.clipOutput !== undefined) transforms.push({ op: 'clip-output', args: { tokens: options.clipOutput } });
  return transforms;
}
