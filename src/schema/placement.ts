import { z } from 'zod';
import { SLO_METRICS } from '../core/slo.ts';
import { count, slo, transforms, type DeepReadonly } from './parts.ts';

const affinity = z
  .enum(['high', 'low'])
  .describe(
    'Low: prefill and decode of a stage share a node, so that KV never leaves it. High: wherever GPUs are free.',
  );
export type Affinity = z.infer<typeof affinity>;

export type PhaseName = 'prefill' | 'decode';

/** Kinds of placement, in the order in which they are searched. */
export const KINDS = ['disaggregated', 'collocated'] as const;
export type Kind = (typeof KINDS)[number];

/** In the order in which they are simulated. */
export const ALL_ARRIVALS = ['poisson', 'trace'] as const;

const arrivals = z
  .enum(ALL_ARRIVALS)
  .describe(
    'Poisson: exponential gaps, lengths drawn from the trace. Trace: its requests at its own times, scaled to the rate.',
  );
export type Arrivals = z.infer<typeof arrivals>;

/** How a model is spread: `tp` GPUs share each of `pp` stages. */
const shape = z.strictObject({
  tp: count.describe('GPUs that share a stage (tensor parallel).'),
  pp: count.describe('Stages of the model (pipeline parallel).'),
});
export type Shape = DeepReadonly<z.infer<typeof shape>>;

export const group = shape
  .extend({ role: z.enum(['prefill', 'decode', 'both']), instances: count })
  .describe('Instances of one shape that do the same work.');
export type Group = DeepReadonly<z.infer<typeof group>>;

export const goodput = z.strictObject({
  goodput_rps: z.number().describe('Highest rate that met the SLO; 0 if none did.'),
  goodput_rps_per_gpu: z.number(),
  missed_rps: z
    .number()
    .nullable()
    .describe('Lowest rate that missed it; null if none did, up to the highest rate that is tried.'),
  binding: z.enum(SLO_METRICS).nullable().describe('The limit that most requests miss at that rate.'),
  attainment: z
    .number()
    .nullable()
    .describe('Share of requests that met the SLO at goodput_rps; null where that is 0.'),
  mean_e2e_s: z.number().nullable().describe('Mean end-to-end time at goodput_rps; null where that is 0.'),
});
export type Goodput = DeepReadonly<z.infer<typeof goodput>>;

export const phaseGoodput = goodput.extend({ ...shape.shape, gpus: count });
export type PhaseGoodput = DeepReadonly<z.infer<typeof phaseGoodput>>;

const unit = z.strictObject({
  groups: z.array(group),
  gpus: count.describe('Of one unit.'),
  copies: count.describe('How often the unit fits into the GPUs.'),
});

export const placement = unit
  .extend({
    by_phases_rps: z
      .number()
      .nullable()
      .describe(
        'Goodput of one unit if the slower phase set it: min(n Gp, m Gd) of the phases alone; null for collocated units.',
      ),
    state: z.enum(['measured', 'beaten', 'skipped']),
    why: z.string().nullable().describe('Why it was not measured; null if it was.'),
    whole: goodput
      .nullable()
      .describe(
        'Goodput of one unit with the arrivals of the ranking, Poisson unless only the timing of the trace was asked for; null if not measured.',
      ),
    missed_rps: z
      .number()
      .nullable()
      .describe(
        'Of a unit that was beaten: the rate at which it would have been as good as the best, and missed the SLO.',
      ),
  })
  .describe('A unit of instances that serve together, and how often it fits into the GPUs.');
export type Placement = DeepReadonly<z.infer<typeof placement>>;

const contender = unit
  .extend({
    kind: z.enum(KINDS),
    poisson: goodput
      .nullable()
      .describe(
        'Goodput of one unit with Poisson arrivals, lengths drawn from the trace; null if these were not asked for.',
      ),
    trace: goodput
      .nullable()
      .describe("Goodput of one unit with the trace's own timing, scaled in time; null if it was not searched."),
    trace_missed_rps: z
      .number()
      .nullable()
      .describe(
        "Of a unit that was not searched: the rate at which it would have been as good as another with the trace's own timing, and missed the SLO.",
      ),
    trace_repeats: count
      .nullable()
      .describe(
        'How often the trace was replayed end to end in one simulation, so that it is as long as one with Poisson arrivals.',
      ),
  })
  .describe('A unit that may be the best: it is simulated with all arrivals that were asked for.');
export type Contender = DeepReadonly<z.infer<typeof contender>>;

const probe = z.strictObject({
  rate_rps: z.number(),
  attainment: z
    .number()
    .nullable()
    .describe(
      'Share of its requests that met the SLO; null where the simulation was ended as soon as too many had missed it.',
    ),
});
/** One simulation of a unit at one rate. */
export type Probe = DeepReadonly<z.infer<typeof probe>>;

const attainmentCurve = unit
  .extend({
    kind: z.enum(KINDS),
    arrivals,
    probes: z.array(probe).describe('Of the search, and some at rates around its goodput, the lowest rate first.'),
  })
  .describe('How many requests of a unit meet the SLO at which rate.');
export type AttainmentCurve = DeepReadonly<z.infer<typeof attainmentCurve>>;

export const placementAnswer = unit.extend({
  kind: z.enum(KINDS),
  goodput_rps: z.number(),
  goodput_rps_per_gpu: z.number(),
  in_all_rps: z.number().describe('What all copies of the unit carry.'),
});

const best = z.strictObject({
  arrivals,
  per_gpu: placementAnswer.describe('The most per GPU, collocated and disaggregated alike.'),
  in_all: placementAnswer.describe('The most on all GPUs, by as many copies as there is room for.'),
});

const traceTiming = z.strictObject({
  requests: count.describe(
    'Requests of the trace that are replayed: those that the model takes, from the first on, up to a bound.',
  ),
  left_behind: count.describe('Requests behind that bound.'),
  rate_rps: z.number().describe("Their mean rate at the trace's own speed."),
  simulations: count.describe('Runs of an engine that judging the contenders took.'),
});

const placementWorkload = z.strictObject({
  name: z.string().describe('Name of the trace for people.'),
  format: z.string(),
  sha256: z.string().describe("SHA-256 of the trace file's bytes."),
  transforms,
  requests: count,
  too_long: count.describe('Rows that are longer than the model takes, and are never drawn.'),
  probe_requests_per_gpu: count.describe(
    'Requests of each simulation for each GPU that it simulates, drawn from the others.',
  ),
  mean_input_tokens: z.number(),
  mean_output_tokens: z.number(),
});

const prefix = z
  .strictObject({
    block_tokens: count.describe('Tokens of a prefix block.'),
    max_hit_ratio_tokens: z
      .number()
      .describe('Share of the prompt tokens of the trace that an unlimited prefix cache would hold.'),
    kept_by: z.array(z.enum(KINDS)).describe('Kinds whose system keeps them: prefix caching, or a radix tree.'),
  })
  .describe('Prefix blocks of the trace. Drawn and repeated requests share as much as its rows, and no more.');

const systems = z
  .strictObject({
    disaggregated: z.string(),
    collocated: z.string(),
    mixed_batch_penalty: z
      .number()
      .nullable()
      .describe('Factor on the time of a collocated batch that holds both phases; null where the system has none.'),
  })
  .describe('The systems that were simulated, as targets name them.');

export const placementSchema = z
  .strictObject({
    schema: z.literal(1),
    versions: z.strictObject({ reprise: z.string() }),
    model: z.string(),
    gpu: z.string(),
    gpus: count,
    gpus_per_node: count,
    affinity,
    slo,
    at: z.number().describe('Share of requests that has to meet the SLO.'),
    precision: z.number().describe('The lowest rate that missed is at most this share above the highest that met.'),
    seed: z.number(),
    workload: placementWorkload,
    max_model_len: count
      .nullable()
      .default(null)
      .describe('Tokens that the model takes, prompt and output together; null in files of before 0.3.0.'),
    arrivals: z
      .array(arrivals)
      .default([...ALL_ARRIVALS])
      .describe(
        'Those that were asked for; units are ranked by Poisson arrivals where these are among them. Both in files of before 0.4.0.',
      ),
    prefix: prefix
      .nullable()
      .default(null)
      .describe('Null: the requests of the trace that the model takes have no prefix blocks of known size.'),
    systems,
    phases: z
      .strictObject({ prefill: z.array(phaseGoodput), decode: z.array(phaseGoodput) })
      .describe('What each phase carries alone in one instance, within the limit of that phase.'),
    left_out: z
      .array(shape.extend({ system: z.string(), why: z.string() }))
      .describe('Shapes that cannot be simulated, each with the reason.'),
    placements: z
      .array(placement)
      .describe('Disaggregated units, best first: by goodput per GPU, then by what all copies carry.'),
    collocated: z.array(placement).describe('The same without disaggregation.'),
    simulations: count.describe('Runs of an engine that the ranking took.'),
    contenders: z
      .array(contender)
      .default([])
      .describe('Those of both kinds that may be the best, best first by the arrivals that decide.'),
    trace_timing: traceTiming
      .nullable()
      .default(null)
      .describe(
        'Null: it was not asked for, all requests of the trace are due at one time, or no unit carries any rate.',
      ),
    attainment: z
      .array(attainmentCurve)
      .default([])
      .describe('Of the best of each kind with each of the arrivals; empty in files of before 0.4.0.'),
    best: best.nullable().default(null).describe('Null: no unit carries any rate.'),
  })
  .describe('What `reprise place` found. Goodput is in requests a second.');
/** The content of `place.json`. */
export type PlacementReport = DeepReadonly<z.infer<typeof placementSchema>>;

/** All units of a kind that the GPUs hold, as they were ranked. */
export function rankingOf(report: PlacementReport, kind: Kind): readonly Placement[] {
  return kind === 'collocated' ? report.collocated : report.placements;
}

/** The arrivals by which all units are ranked. */
export function rankedBy(report: PlacementReport): Arrivals {
  return report.arrivals.includes('poisson') ? 'poisson' : 'trace';
}

/** Goodput of a contender; null if it was not searched with these arrivals. */
export function goodputOf({ poisson, trace }: Contender, by: Arrivals): Goodput | null {
  return by === 'trace' ? trace : poisson;
}

/** A simulation begins empty. It takes so many times the mean time of a request for that to matter little. */
const LONG_ENOUGH = 20;

/** `1 prefill (tp 2) + 2 decode (tp 1, pp 2)`. */
export function unitWords(groups: readonly Group[]): string {
  return groups
    .map(({ role, instances, tp, pp }) => {
      const what = role === 'both' ? `${instances} collocated` : `${instances} ${role}`;
      return `${what} (tp ${tp}${pp === 1 ? '' : `, pp ${pp}`})`;
    })
    .join(' + ');
}

/** What all copies of a placement carry, requests a second; null if it was not measured. */
export function totalRps({ whole, copies }: Placement): number | null {
  return whole === null ? null : copies * whole.goodput_rps;
}

/** Requests of one simulation of a contender. */
export function requestsOf(
  { workload, trace_timing }: PlacementReport,
  { gpus, trace_repeats }: Contender,
  by: Arrivals,
): number {
  return by === 'trace' ? (trace_timing?.requests ?? 0) * (trace_repeats ?? 0) : gpus * workload.probe_requests_per_gpu;
}

/** How long a simulation of so many requests lasts at a goodput; null if that is 0. `enough`: requests for each GPU. */
export function lengthOf(
  requests: number,
  { goodput_rps, goodput_rps_per_gpu, mean_e2e_s }: Goodput,
): { readonly lastedS: number; readonly meanE2eS: number; readonly isShort: boolean; readonly enough: number } | null {
  if (mean_e2e_s === null) return null;
  const lastedS = requests / goodput_rps;
  return {
    lastedS,
    meanE2eS: mean_e2e_s,
    isShort: lastedS < LONG_ENOUGH * mean_e2e_s,
    enough: Math.ceil((LONG_ENOUGH * mean_e2e_s * goodput_rps_per_gpu) / 100) * 100,
  };
}
