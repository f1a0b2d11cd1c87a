import { z } from 'zod';
import { SLO_METRICS } from '../core/slo.ts';
import { count, slo, type DeepReadonly } from './parts.ts';
import { manifestSchema } from './manifest.ts';
import { scaledAttainment } from './attainment.ts';

const run = manifestSchema.shape;
const range = z.tuple([z.number().nullable(), z.number().nullable()]);
const targetName = z.string().describe('`name` of one of the targets.');
const perGpu = z.number().nullable().describe('Null where the GPUs of the target are not known.');

const target = z.strictObject({
  name: z.string().describe('Short, and different from that of every other target.'),
  ...run.target.pick({ spec: true, kind: true, model: true }).shape,
  gpus: count.nullable().describe('Null where the target does not tell and --gpus is not given.'),
});
export type SweepTarget = DeepReadonly<z.infer<typeof target>>;

const point = z
  .strictObject({
    target: targetName,
    rate_rps: z.number().describe('Mean rate at which the trace was replayed.'),
    rate_rps_per_gpu: perGpu,
    slo_scale: z.number().describe('Every limit is so many times that of the SLO.'),
    ...scaledAttainment,
    valid: z.boolean().describe('Whether the client kept up.'),
    requests: count.describe('Measured requests of the run.'),
    dir: z.string().describe('The run, from the folder of sweep.json: one for all scales.'),
  })
  .describe('One run of the trace against one target at one rate, judged by the SLO times one scale.');
export type SweepPoint = DeepReadonly<z.infer<typeof point>>;

const state = z.enum(['none', 'between', 'all']);
const binding = z.enum(SLO_METRICS).nullable();

const goodput = z
  .strictObject({
    target: targetName,
    slo_scale: z.number(),
    goodput_rps: z
      .number()
      .nullable()
      .describe(
        'Highest rate at which the goal is attained, as at every lower rate of the grid: between two rates on a straight line over the logarithm of the rate. Null: at no rate.',
      ),
    goodput_rps_per_gpu: z.number().nullable(),
    bracket_rps: range.describe('Two rates of the grid: the last that attains the goal, and the first that misses it.'),
    ci95_rps: range.describe(
      'Where the lower and the upper ends of the 95 % intervals cross the goal; null where they do not, or a run up to there has none. The end of an overloaded run is its share.',
    ),
    state: state.describe(
      'None: the lowest rate misses the goal. Between: two neighbouring rates enclose it. All: the highest rate attains it, and the goodput is at least that.',
    ),
    valid: z.boolean().describe('Whether the client kept up in the runs that decide.'),
    binding: binding.describe('The limit that most requests miss at the lowest rate that misses the goal.'),
  })
  .describe('How much load a target carries at one scale of the SLO, by the rates of the grid.');
export type SweepGoodput = DeepReadonly<z.infer<typeof goodput>>;

const minScale = z
  .strictObject({
    target: targetName,
    rate_rps: z.number(),
    rate_rps_per_gpu: perGpu,
    min_scale: z
      .number()
      .nullable()
      .describe(
        'Smallest SLO scale of all, tried or not, at which the goal is attained: exact, from the latencies of each request. Null: at none, because too many failed or have no known latency.',
      ),
    ci95_scale: range.describe(
      'Its 95 % interval: the scales at which as many meet the SLO as the ends of the interval of the attainment there say; null where none does.',
    ),
    state: state.describe(
      'Where it is among the scales that were tried. None: the largest misses the goal. Between: two enclose it. All: the smallest attains the goal.',
    ),
    valid: z.boolean().describe('Whether the client kept up.'),
  })
  .describe('How tight the SLO could be for a target at one rate.');
export type SweepMinScale = DeepReadonly<z.infer<typeof minScale>>;

const orderChange = z
  .strictObject({
    ahead: targetName.describe('Carries more up to `to_scale` (per GPU, where `per_gpu` says so).'),
    beyond: targetName.describe('Carries more from `from_scale` on.'),
    to_scale: z.number(),
    from_scale: z.number(),
    per_gpu: z.boolean(),
  })
  .describe(
    'Two scales of the grid between which two targets change places. One is ahead where it attains the goal at a rate at which the other misses it.',
  );
export type SweepOrderChange = DeepReadonly<z.infer<typeof orderChange>>;

export const sweepSchema = z
  .strictObject({
    schema: z.literal(1),
    at: z.number().describe('Share of requests that should meet the SLO.'),
    slo,
    slo_scales: z.array(z.number()).describe('In ascending order, 1 among them.'),
    per_gpu: z.boolean().describe('Whether the rates of the grid were given for each GPU of a target.'),
    clock: run.clock,
    workload: z.strictObject({
      name: z.string(),
      sha256: z.string(),
      requests: count,
      rate_rps: z.number().describe("The trace's own."),
    }),
    targets: z.array(target).describe('In the order in which they were given.'),
    points: z.array(point).describe('By target, rate and scale.'),
    goodputs: z.array(goodput).describe('By target and scale.'),
    min_scales: z.array(minScale).describe('By target and rate.'),
    order_changes: z.array(orderChange).describe('Where two targets change places as the SLO gets looser.'),
    versions: z.strictObject({ reprise: z.string() }),
  })
  .describe('How many requests meet an SLO, by target, rate and SLO scale.');
/** GPUs of two targets, where they are compared per GPU; else 1 and 1. */
export function gpusOfPair(
  a: Pick<SweepTarget, 'gpus'>,
  b: Pick<SweepTarget, 'gpus'>,
): readonly [one: number, other: number] {
  return a.gpus === null || b.gpus === null ? [1, 1] : [a.gpus, b.gpus];
}

/** Whether the first carries more at a scale: it attains the goal at a rate at which the second misses it. */
export function isAhead(a: SweepGoodput, b: SweepGoodput, [gpus, others]: readonly [number, number]): boolean {
  const [met, missed] = [a.bracket_rps[0], b.bracket_rps[1]];
  return met !== null && missed !== null && met / gpus >= (missed / others) * (1 - 1e-9);
}

/** The content of `sweep.json`. */
export type SweepReport = DeepReadonly<z.infer<typeof sweepSchema>>;
