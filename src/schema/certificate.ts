import { z } from 'zod';
import { count, type DeepReadonly } from './parts.ts';

/** What a calibration steps, each by a ladder of its own. */
export const LOAD_AXES = ['tokens_per_s', 'requests_per_s', 'streams'] as const;
export type LoadAxis = (typeof LOAD_AXES)[number];

/** Whether the client polls while streams are open. */
export const POLLING = ['off', 'on'] as const;
export type Polling = (typeof POLLING)[number];

/** What a client has to do at a time: on average over a second, or as many streams as were open. */
export const load = z.strictObject({
  tokens_per_s: z.number(),
  requests_per_s: z.number(),
  streams: z.number(),
});

const range = z
  .tuple([z.number(), z.number()])
  .describe('Least and most of the repetitions: a range, not an interval of confidence.');

/** Medians of the repetitions. */
const repeated = z.strictObject({ p50: z.number(), p99: z.number(), p99_range: range });

const point = load
  .extend({
    offered: z.number().describe('Of what is stepped. Beside it what the server delivered.'),
    repetitions: count,
    timestamp_error_us: repeated.describe('Recorded time of a token less the instant at which it was written.'),
    lateness_ms: repeated.describe('How long after its due time a request left.'),
    verdict: z
      .enum(['within', 'late', 'server_bound'])
      .describe(
        'Of most repetitions. late: a p99 left the limit. server_bound: the server delivered less than it was to, and nothing is known of the client at the load that was offered.',
      ),
  })
  .describe('A load that was tried.');
export type CertifiedPoint = DeepReadonly<z.infer<typeof point>>;

const limit = z.strictObject({
  value: z
    .number()
    .describe('Highest load within the limit, as it was delivered; 0: the lowest that was tried left it.'),
  range: range.describe(
    'Highest load up to which no repetition left the limit, and highest at which any stayed within it.',
  ),
  at_least: z.boolean().describe('No load left the limit: the client carries this much, and may carry more.'),
  because: z
    .enum(['late', 'server', 'tried'])
    .describe('What ended the ladder: the limit was left, the server delivered no more, nothing higher was tried.'),
});

const curve = z
  .strictObject({
    axis: z.enum(LOAD_AXES).describe('What was stepped.'),
    poll: z.enum(POLLING),
    limit,
    points: z.array(point).describe('By what was offered, the lowest first.'),
  })
  .describe('A ladder of loads.');
export type CertifiedCurve = DeepReadonly<z.infer<typeof curve>>;

export const certificateSchema = z
  .strictObject({
    schema: z.literal(1),
    calibrated_at: z.string().describe('ISO 8601 in UTC.'),
    took_s: z.number(),
    quick: z.boolean().describe('Short trials over fewer loads (--quick).'),
    versions: z.strictObject({ reprise: z.string(), node: z.string() }),
    machine: z
      .strictObject({ host: z.string(), os: z.string(), kernel: z.string(), cpu: z.string(), cores: count })
      .describe('It holds on this machine, with these versions, and nowhere else.'),
    transport: z.enum(['plain', 'undici']).describe('Who reads HTTP: our own reader for http:, or undici.'),
    limit_ms: z.number().describe('What the p99 of timestamp error and of lateness may not leave.'),
    timestamp_error_us: repeated.describe('At max_tokens_per_s.'),
    lateness_ms: repeated.describe('At max_requests_per_s.'),
    max_tokens_per_s: z.number().describe('Polling off, as single tokens; `curves` says whether it is "at least".'),
    max_requests_per_s: z.number().describe('Polling off, with answers of two tokens.'),
    max_streams: z.number().describe('Open at a time, polling off.'),
    curves: z.array(curve),
  })
  .describe(
    'What this machine can measure, as `reprise calibrate --json` prints it: the client of a run against a server in a process of its own on the same machine, whose tokens say when they were written.',
  );
/** The measurement certificate of a machine. */
export type Certificate = DeepReadonly<z.infer<typeof certificateSchema>>;
