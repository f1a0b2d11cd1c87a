import type { TransformSpec } from '../core/plan.ts';
import type { Slo, SloMetric } from '../core/slo.ts';

/** What `reprise place` found, as `place.json` holds it. Goodput is in requests a second. */
export interface PlacementReport {
  readonly schema: 1;
  readonly versions: { readonly reprise: string };
  readonly model: string;
  readonly gpu: string;
  readonly gpus: number;
  readonly gpus_per_node: number;
  readonly affinity: Affinity;
  readonly slo: {
    readonly text: string;
    readonly limits_ms: Slo;
    readonly profile?: { readonly name: string; readonly source: string };
  };
  /** Share of requests that has to meet the SLO. */
  readonly at: number;
  /** The lowest rate that missed is at most this share above the highest that met. */
  readonly precision: number;
  readonly seed: number;
  readonly workload: {
    readonly name: string;
    readonly format: string;
    readonly sha256: string;
    readonly transforms: readonly TransformSpec[];
    readonly requests: number;
    /** Rows that are longer than the model takes, and are never drawn. */
    readonly too_long: number;
    /** Requests of each simulation for each GPU that it simulates, drawn from the others. */
    readonly probe_requests_per_gpu: number;
    readonly mean_input_tokens: number;
    readonly mean_output_tokens: number;
  };
  /** The systems that were simulated, as targets name them. */
  readonly systems: {
    readonly disaggregated: string;
    readonly collocated: string;
    /** Factor on the time of a collocated batch that holds both phases; null where the system has none. */
    readonly mixed_batch_penalty: number | null;
  };
  /** What each phase carries alone in one instance, within the limit of that phase. */
  readonly phases: Readonly<Record<PhaseName, readonly PhaseGoodput[]>>;
  /** Shapes that cannot be simulated, each with the reason. */
  readonly left_out: readonly (Shape & { readonly system: string; readonly why: string })[];
  /** Best first: by goodput a GPU, then by what all copies carry. */
  readonly placements: readonly Placement[];
  readonly collocated: readonly Placement[];
  /** Runs of an engine that all this took. */
  readonly simulations: number;
}

/** Low: prefill and decode of a stage share a node, so that KV never leaves it. High: wherever GPUs are free. */
export type Affinity = 'high' | 'low';
export type PhaseName = 'prefill' | 'decode';

/** How a model is spread: `tp` GPUs share each of `pp` stages. */
export interface Shape {
  readonly tp: number;
  readonly pp: number;
}

/** Instances of one shape that do the same work. */
export interface Group extends Shape {
  readonly role: PhaseName | 'both';
  readonly instances: number;
}

export interface Goodput {
  /** Highest rate that met the SLO; 0 if none did. */
  readonly goodput_rps: number;
  readonly goodput_rps_per_gpu: number;
  /** Lowest rate that missed it; null if none did, up to one that no engine is asked for. */
  readonly missed_rps: number | null;
  /** The limit that most requests miss at that rate. */
  readonly binding: SloMetric | null;
  /** Share of requests that met the SLO at `goodput_rps`; null where that is 0. */
  readonly attainment: number | null;
  /** Mean end-to-end time at `goodput_rps`; null where that is 0. */
  readonly mean_e2e_s: number | null;
}

export interface PhaseGoodput extends Shape, Goodput {
  readonly gpus: number;
}

/** A unit of instances that serve together, and how often it fits into the GPUs. */
export interface Placement {
  readonly groups: readonly Group[];
  /** Of one unit. */
  readonly gpus: number;
  readonly copies: number;
  /** min(n Gp, m Gd) of the phases alone, for one unit; null for collocated ones. */
  readonly by_phases_rps: number | null;
  readonly state: 'measured' | 'beaten' | 'skipped';
  /** Why it was not measured; null if it was. */
  readonly why: string | null;
  /** Of one unit, the whole of it simulated; null if not measured. */
  readonly whole: Goodput | null;
  /** Of one that was beaten: a rate that it missed at, one at which it would have been as good as the best. */
  readonly missed_rps: number | null;
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
