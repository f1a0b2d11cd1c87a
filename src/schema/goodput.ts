import { z } from 'zod';
import { SLO_METRICS } from '../core/slo.ts';
import { count, limitsMs, type DeepReadonly } from './parts.ts';
import { manifestSchema } from './manifest.ts';

const run = manifestSchema.shape;
const range = z.tuple([z.number().nullable(), z.number().nullable()]);

const probe = z
  .strictObject({
    rate_rps: z.number().describe('Mean rate at which the trace was replayed.'),
    requests: count.describe('Measured requests of the trace.'),
    met: count.describe('Of these, as far as the run went, those that met the SLO.'),
    missed: count.describe('Those that missed it. A run that was decided earlier did not see the others.'),
    attainment: z.number().nullable().describe('Share that met the SLO; null where the run was cut when decided.'),
    ci95: z.tuple([z.number(), z.number()]).nullable(),
    binding: z.enum(SLO_METRICS).nullable(),
    valid: z.boolean().describe('Whether the client kept up.'),
    decided: z
      .boolean()
      .describe('Whether the run was cut once every share that is wanted was met or missed for certain.'),
    requests_used: count.describe('Requests that came due before the run ended.'),
    dir: z.string().nullable().describe('The run, from the folder of goodput.json; null: not kept.'),
  })
  .describe('A run of the trace at one rate.');
export type GoodputProbe = DeepReadonly<z.infer<typeof probe>>;

const answer = z.strictObject({
  at: z.number().describe('Share of requests that should meet the SLO.'),
  goodput_rps: z.number().nullable().describe('Highest rate that met; null if none did, down to the lowest tried.'),
  goodput_rps_per_gpu: z.number().nullable(),
  bracket_rps: range.describe('Highest rate that met, lowest that missed; null where there is none.'),
  half_width: z.number().nullable().describe('Of the bracket, as a share of its middle; null without both ends.'),
  times_trace: z.number().nullable().describe("The goodput over the trace's own rate."),
  binding: z.enum(SLO_METRICS).nullable().describe('The limit that most requests miss at the lowest rate that missed.'),
  state: z
    .enum(['bracketed', 'below', 'above', 'budget', 'not_valid'])
    .describe(
      'Bracketed: as narrow as asked. Below: missed at the lowest rate tried. Above: met at the highest. Budget: it ended first. Not valid: the client fell behind in a run that decides.',
    ),
});
export type GoodputAnswer = DeepReadonly<z.infer<typeof answer>>;

export const goodputSchema = z
  .strictObject({
    schema: z.literal(1),
    of: z.literal('trace').describe('The estimand: the highest rate at which this trace, whole, still attains `at`.'),
    ...answer.shape,
    answers: z.array(answer).describe('One for each share of --at, the first as above.'),
    slo: z.strictObject({ text: z.string(), limits_ms: limitsMs }),
    arrivals: z.literal('trace').describe("The trace's own timing, scaled."),
    precision: z.number().describe('Half width that was asked for.'),
    target: run.target.pick({ spec: true, kind: true, model: true }),
    gpus: count.nullable().describe('Of the target; null where it does not tell and --gpus is not given.'),
    clock: run.clock,
    workload: z.strictObject({
      name: z.string(),
      sha256: z.string(),
      requests: count,
      rate_rps: z.number().describe("The trace's own."),
    }),
    probes: z.array(probe).describe('In order of rate.'),
    requests_used: count.describe('Of all probes together.'),
    traces_used: z.number().describe('The same, in traces.'),
    versions: z.strictObject({ reprise: z.string() }),
  })
  .describe('How much load a target carries within an SLO.');
/** The content of `goodput.json`. */
export type GoodputReport = DeepReadonly<z.infer<typeof goodputSchema>>;
