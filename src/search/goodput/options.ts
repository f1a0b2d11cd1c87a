import { basename, join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { expected, text, wholeNumber } from '../../core/option-fields.ts';
import { kebab, optionErrors } from '../../core/option-names.ts';
import { parseGoal } from '../../core/slo.ts';
import { parseDurationUs, parsePrecision } from '../../core/units.ts';
import type { OpenTarget } from '../../run/program.ts';
import { defineReplay, defineRun, type RunOptions } from '../../run/run-options.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { compactTime } from '../../run/run.ts';
import { resolveSlo } from '../../slos/index.ts';
import type { GoodputSearch } from './context.ts';
import { KEEP } from './keep.ts';

/** A timer of Node fires at once where it is set for longer. */
const MOST_MS = 2 ** 31 - 1;

const REQUESTS = expected('a whole number from 0');
const MS = expected('milliseconds, from 0');
const RATE = expected('a number above 0');

/** Options of a search besides those of its runs, as the command line or a program gives them. */
export const SEARCH_FIELDS = {
  of: z.enum(['trace', 'traffic'], expected('trace or traffic')).default('trace'),
  /** Of traffic only. */
  arrivals: z.enum(['trace', 'poisson'], expected('trace or poisson')).optional(),
  /** `0.9,0.99`, `90%`, a share or several. */
  at: z.union([text, z.number(), z.array(z.number()).readonly()], expected('shares, e.g. 0.9')).default('90%'),
  slo: text,
  /** `5%`, or a share. */
  precision: z.union([text, z.number()], expected('a share, e.g. 5%')).default('5%'),
  rate: z.number(RATE).positive(RATE).optional(),
  /** `30m` or `50000req`, or one or both as numbers. */
  budget: z
    .union(
      [
        text,
        z.strictObject({
          requests: z.int(REQUESTS).nonnegative(REQUESTS).optional(),
          ms: z.number(MS).nonnegative(MS).optional(),
        }),
      ],
      expected('a time or a number of requests, e.g. 30m or 50000req'),
    )
    .optional(),
  gpus: wholeNumber.optional(),
  keep: z.enum(KEEP, expected(KEEP.join(', '))).default('all'),
  out: text.optional(),
};
const schema = z.looseObject(SEARCH_FIELDS);
type SearchOptions = z.output<typeof schema>;

/** What only a search has: its runs do not take it. */
const NOT_OF_A_RUN: ReadonlySet<string> = new Set(['of', 'arrivals', 'precision', 'budget', 'gpus', 'keep']);
/** Of the runs, the search decides these. */
export const NOT_OF_A_SEARCH = ['speed', 'traceIterations', 'probe'] as const;

/** The options of a search as a program gives them: all but workload, target and SLO have defaults. */
export type GoodputOptions = Omit<RunOptions, keyof typeof SEARCH_FIELDS | (typeof NOT_OF_A_SEARCH)[number]> & {
  /** A trace file or a bundled sample: a source of a program has one rate. */
  readonly workload: string;
} & z.input<z.ZodObject<typeof SEARCH_FIELDS>>;

/**
 * The search that the options describe; `open`: the target where it is open already; `nowIso`: names its folder where none
 * is given. Throws a UserError that names each wrong option.
 */
export function defineGoodput(given: unknown, open: OpenTarget | null, nowIso: string): GoodputSearch {
  const read = schema.safeParse(given);
  if (!read.success) throw new UserError(optionErrors(read.error));
  const options = read.data;
  const { of, arrivals = 'trace', rate, gpus, keep } = options;
  const wrong = NOT_OF_A_SEARCH.find((name) => options[name] !== undefined);
  if (wrong !== undefined)
    throw new UserError(`--${kebab(wrong)}: is for one run, and a search makes many; leave it out`);
  if (typeof options['workload'] === 'object')
    throw new UserError('workload: a source of your own has one rate, and a search needs others; name a trace file');
  const goals = goalsOf(options.at);
  const specAt = specsOf(given, String(goals[0]), open);
  const { target, measure, workers } = specAt(null, '.');
  if (target.clock === 'real' && !target.body.stream)
    throw new UserError(
      '--no-stream: a search counts requests whose first token is late before they end; leave it out',
    );
  if (of === 'trace' && arrivals !== 'trace')
    throw new UserError(`--arrivals ${arrivals}: a trace has arrivals of its own; add --of traffic`);
  if (of === 'traffic' && (measure.warmupUs > 0 || measure.cooldownUs > 0))
    throw new UserError('--warmup, --cooldown: each segment of traffic leaves out its own first fifth; leave them out');
  if (of === 'traffic' && workers !== 'auto' && workers > 1)
    throw new UserError(
      `--workers ${workers}: with --of traffic one client decides when requests are due, as others end; leave it out`,
    );
  const { requests, ms } = budgetOf(options.budget);
  return {
    of,
    arrivals,
    specAt,
    target,
    dir: options.out ?? join('runs', `${compactTime(nowIso)}-goodput-${target.spec.name}`),
    slo: resolveSlo(options.slo),
    goals,
    precision: precisionOf(options.precision),
    startRps: rate ?? null,
    gpus: gpus ?? null,
    mostRequests: requests,
    mostMs: ms,
    keep,
  };
}

/** The run of the trace at a rate, by the options that a run takes too. */
function specsOf(given: unknown, at: string, open: OpenTarget | null): GoodputSearch['specAt'] {
  const of = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  const { rate: _, ...ofRun } = Object.fromEntries(of.filter(([name]) => !NOT_OF_A_RUN.has(name)));
  if (open !== null) delete ofRun['target'];
  return (rateRps, dir): RunSpec => {
    // With one salt for all, each run would find the prompts of the one before in a server's cache.
    const salt = typeof ofRun['salt'] === 'string' ? { salt: `${ofRun['salt']}-${basename(dir)}` } : {};
    const options = { ...ofRun, ...salt, at, ...(rateRps === null ? {} : { rate: rateRps }), out: dir };
    return open === null ? defineRun(options) : defineReplay(options, open.config, open.options);
  };
}

/** Each once. */
function goalsOf(at: SearchOptions['at']): number[] {
  const texts = typeof at === 'string' ? at.split(',') : (typeof at === 'number' ? [at] : at).map(String);
  if (texts.length === 0) throw new UserError('at: names no share; give one above 0 and below 1, e.g. 0.9');
  return [...new Set(texts.map(parseGoal))];
}

function precisionOf(given: SearchOptions['precision']): number {
  return parsePrecision(typeof given === 'number' ? `${given * 100}%` : given, [0.1, 99], '5%');
}

/** Infinite without one. */
function budgetOf(given: SearchOptions['budget']): { readonly ms: number; readonly requests: number } {
  const { requests = Infinity, ms = Infinity } = (typeof given === 'string' ? budgetIn(given) : given) ?? {};
  if (ms > MOST_MS && Number.isFinite(ms)) throw new UserError('--budget: is more than the 24 days that can be timed');
  return { requests, ms };
}

function budgetIn(given: string): Exclude<SearchOptions['budget'], string> {
  const requests = /^(\d+)\s*req(?:uests)?$/.exec(given.trim())?.[1];
  if (requests !== undefined) return { requests: Number(requests) };
  if (/^\d+$/.test(given.trim()))
    throw new UserError(
      `--budget: "${given}" has no unit; write a time, e.g. ${given}m, or requests, e.g. ${given}req`,
    );
  return { ms: parseDurationUs(given, '--budget') / 1000 };
}
