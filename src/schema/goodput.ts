import { z } from 'zod';
import { SLO_METRICS } from '../core/slo.ts';
import { count, itlShares, limitsMs, type DeepReadonly } from './parts.ts';
import { manifestSchema } from './manifest.ts';

const run = manifestSchema.shape;
const range = z.tuple([z.number().nullable(), z.number().nullable()]);

const ofLatency = z.strictObject({
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p99: z.number().nullable(),
});

const bindingClass = z
  .string()
  .nullable()
  .exactOptional()
  .describe(
    'Where the SLO has limits by class: the class that most requests which missed are of; null: none of those with limits of their own.',
  );

const probe = z
  .strictObject({
    kind: z
      .enum(['run', 'probe', 'segment'])
      .describe(
        'Run: the whole trace. Of traffic: probe, from an empty system; segment, on a running one, its first fifth not judged.',
      ),
    rate_rps: z.number().describe('Mean rate at which the trace was replayed.'),
    requests: count.describe('Requests that are judged: all measured ones of the trace, or of the segment.'),
    met: count.describe('Of these, as far as the run went, those that met the SLO.'),
    missed: count.describe('Those that missed it. A run that was decided earlier did not see the others.'),
    attainment: z.number().nullable().describe('Share that met the SLO; null where the run was cut when decided.'),
    alone: z
      .strictObject({
        ttft: z.number().nullable(),
        tpot: z.number().nullable(),
        e2e: z.number().nullable(),
        ...itlShares,
      })
      .describe('Share that met each limit alone, of those that were seen; null: not limited, or nothing seen.'),
    latency_ms: z
      .strictObject({ ttft: ofLatency, tpot: ofLatency, e2e: ofLatency })
      .nullable()
      .describe('Over the judged requests; null where the run was cut.'),
    ci95: z.tuple([z.number(), z.number()]).nullable(),
    binding: z.enum(SLO_METRICS).nullable(),
    binding_class: bindingClass,
    valid: z.boolean().describe('Whether the client kept up.'),
    decided: z
      .boolean()
      .describe('Whether the run was cut once every share that is wanted was met or missed for certain.'),
    requests_used: count.describe('Requests that came due before the run ended.'),
    dir: z.string().nullable().describe('The run, from the folder of goodput.json; null: not kept (`--keep`).'),
  })
  .describe('A run of the trace at one rate, or a part of a run.');
export type GoodputProbe = DeepReadonly<z.infer<typeof probe>>;

const answer = z.strictObject({
  at: z.number().describe('Share of requests that should meet the SLO.'),
  goodput_rps: z.number().nullable().describe('Highest rate that met; null if none did, down to the lowest tried.'),
  goodput_rps_per_gpu: z.number().nullable(),
  bracket_rps: range.describe(
    'Highest rate that met, lowest that missed; null where there is none. Of traffic: of the probes, before the segments.',
  ),
  ci95_rps: z
    .tuple([z.number(), z.number()])
    .nullable()
    .describe('95 % interval of the goodput of traffic; null for a trace, and where too little was seen.'),
  half_width: z
    .number()
    .nullable()
    .describe('Of the bracket, or of the interval, as a share of its middle; null without both ends.'),
  slope: z
    .number()
    .nullable()
    .describe(
      'Of traffic: change of the logit of the attainment with the logarithm of the rate, where it crosses `at`.',
    ),
  times_trace: z.number().nullable().describe("The goodput over the trace's own rate."),
  binding: z.enum(SLO_METRICS).nullable().describe('The limit that most requests miss at the lowest rate that missed.'),
  binding_class: bindingClass,
  state: z
    .enum(['bracketed', 'found', 'below', 'above', 'budget', 'not_valid'])
    .describe(
      'Bracketed, found: as narrow as asked. Below: missed at the lowest rate tried. Above: met at the highest. Budget: it ended first. Not valid: the client fell behind in a run that decides.',
    ),
});
export type GoodputAnswer = DeepReadonly<z.infer<typeof answer>>;

export const goodputSchema = z
  .strictObject({
    schema: z.literal(1),
    of: z
      .enum(['trace', 'traffic'])
      .describe(
        'The estimand. Trace: the highest rate at which this trace, whole, from an empty system, still attains `at`. Traffic: the rate at which traffic like it does on a running system.',
      ),
    ...answer.shape,
    answers: z.array(answer).describe('One for each share of --at, the first as above.'),
    slo: z.strictObject({ text: z.string(), limits_ms: limitsMs }),
    arrivals: z
      .enum(['trace', 'poisson'])
      .describe(
        'Trace: its own timing, scaled; of traffic in pieces of 60 s in random order. Poisson: rows drawn at random.',
      ),
    precision: z.number().describe('Half width that was asked for.'),
    target: run.target.pick({ spec: true, kind: true, model: true }).extend({
      noisy: z
        .boolean()
        .optional()
        .describe("True: its times have noise, of one draw; another seed's answer is another."),
    }),
    gpus: count.nullable().describe('Of the target; null where it does not tell and --gpus is not given.'),
    clock: run.clock,
    workload: z.strictObject({
      name: z.string(),
      sha256: z.string(),
      requests: count,
      rate_rps: z.number().describe("The trace's own."),
    }),
    probes: z.array(probe).describe('In order of rate; of traffic in order of time.'),
    requests_used: count.describe('Of all probes together.'),
    traces_used: z.number().describe('The same, in traces.'),
    versions: z.strictObject({ reprise: z.string() }),
  })
  .describe('How much load a target carries within an SLO.');
/** In what order the requests of a search come. */
export type Arrivals = GoodputReport['arrivals'];
/** The content of `goodput.json`. */
export type GoodputReport = DeepReadonly<z.infer<typeof goodputSchema>>;

export const goodputsSchema = z
  .strictObject({
    schema: z.literal(1),
    targets: z.array(
      z.strictObject({
        name: z.string().describe('Short name of the target, with its place in the list where several have it.'),
        dir: z.string().describe('The folder of its goodput.json and runs, from that of goodputs.json.'),
        report: goodputSchema.describe('Its goodput.json.'),
      }),
    ),
  })
  .describe('How much load several targets carry within an SLO, by the same requests, in the order of --target.');
/** The content of `goodputs.json`. */
export type GoodputsReport = DeepReadonly<z.infer<typeof goodputsSchema>>;
