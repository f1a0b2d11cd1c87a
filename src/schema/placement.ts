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

export const placement = z
  .strictObject({
    groups: z.array(group),
    gpus: count.describe('Of one unit.'),
    copies: count.describe('How often the unit fits into the GPUs.'),
    by_phases_rps: z
      .number()
      .nullable()
      .describe(
        'Goodput of one unit if the slower phase set it: min(n Gp, m Gd) of the phases alone; null for collocated units.',
      ),
    state: z.enum(['measured', 'beaten', 'skipped']),
    why: z.string().nullable().describe('Why it was not measured; null if it was.'),
    whole: goodput.nullable().describe('Goodput of one unit, simulated as a whole; null if not measured.'),
    missed_rps: z
      .number()
      .nullable()
      .describe(
        'Of a unit that was beaten: the rate at which it would have been as good as the best, and missed the SLO.',
      ),
  })
  .describe('A unit of instances that serve together, and how often it fits into the GPUs.');
export type Placement = DeepReadonly<z.infer<typeof placement>>;

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
    systems,
    phases: z
      .strictObject({ prefill: z.array(phaseGoodput), decode: z.array(phaseGoodput) })
      .describe('What each phase carries alone in one instance, within the limit of that phase.'),
    left_out: z
      .array(shape.extend({ system: z.string(), why: z.string() }))
      .describe('Shapes that cannot be simulated, each with the reason.'),
    placements: z.array(placement).describe('Best first: by goodput a GPU, then by what all copies carry.'),
    collocated: z.array(placement).describe('The same without disaggregation.'),
    simulations: count.describe('Runs of an engine that all this took.'),
  })
  .describe('What `reprise place` found. Goodput is in requests a second.');
/** The content of `place.json`. */
export type PlacementReport = DeepReadonly<z.infer<typeof placementSchema>>;

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

/** How long the simulation of a placement at its goodput lasted. Null if it carries nothing. */
export function lengthOf(
  { workload }: PlacementReport,
  { whole }: Placement,
): { readonly lastedS: number; readonly meanE2eS: number; readonly isShort: boolean; readonly enough: number } | null {
  if (whole === null || whole.mean_e2e_s === null) return null;
  const lastedS = workload.probe_requests_per_gpu / whole.goodput_rps_per_gpu;
  return {
    lastedS,
    meanE2eS: whole.mean_e2e_s,
    isShort: lastedS < LONG_ENOUGH * whole.mean_e2e_s,
    enough: Math.ceil((LONG_ENOUGH * whole.mean_e2e_s * whole.goodput_rps_per_gpu) / 100) * 100,
  };
}
