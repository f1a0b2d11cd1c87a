import type { z } from 'zod';
import { UserError } from '../core/errors.ts';
import type { TransformSpec } from '../core/plan.ts';
import { parseWindowUs } from '../core/units.ts';
import { text, wholeNumber, type Command } from './command.ts';

/** The options that cut a trace, as yargs takes them and `--help` shows them. */
export const CUT_OPTIONS: Command['options'] = {
  window: { type: 'string', describe: 'part of the trace, e.g. 60s..120s' },
  'clip-input': { type: 'number', describe: 'cut prompts, and their prefix blocks, to N tokens' },
  'clip-output': { type: 'number', describe: 'cut answers to N tokens' },
  limit: { type: 'number', describe: 'first N requests' },
};

/** What yargs makes of `CUT_OPTIONS`, checked: fields of a command's schema. */
export const CUT_FIELDS = {
  window: text.optional(),
  'clip-input': wholeNumber.optional(),
  'clip-output': wholeNumber.optional(),
  limit: wholeNumber.optional(),
};

/** The options that change what a trace asks for, as `run` has them. */
export interface TransformOptions extends z.infer<z.ZodObject<typeof CUT_FIELDS>> {
  readonly rate?: number | undefined;
  /** 1: as the trace says. */
  readonly speed: number;
}

/** Transforms in the order in which they are applied: window, limit, rate or speed, clips. */
export function transformNotes(options: TransformOptions): TransformSpec[] {
  const { window, rate, speed, limit } = options;
  const notes: TransformSpec[] = [];
  if (window !== undefined) {
    const { fromUs, toUs } = parseWindowUs(window);
    notes.push({ op: 'window', args: { from_us: fromUs, ...(Number.isFinite(toUs) ? { to_us: toUs } : {}) } });
  }
  // Before the rate: it is that of the requests that are replayed.
  if (limit !== undefined) notes.push({ op: 'limit', args: { requests: limit } });
  if (rate !== undefined && speed !== 1)
    throw new UserError(`--rate ${rate} and --speed ${speed} both scale time: give one of them`);
  if (rate !== undefined) notes.push({ op: 'rate', args: { rps: rate } });
  if (speed !== 1) notes.push({ op: 'speed', args: { factor: speed } });
  for (const op of ['clip-input', 'clip-output'] as const) {
    const tokens = options[op];
    if (tokens !== undefined) notes.push({ op, args: { tokens } });
  }
  return notes;
}
