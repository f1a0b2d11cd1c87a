import type { Arrivals, Group, PhaseGoodput, PhaseName, Shape } from '../../schema/placement.ts';
import { type Limits, type Slo, SLO_METRICS } from '../../core/slo.ts';
import { gpusOf, unitOptions } from './candidates.ts';
import type { Pool } from '../pool.ts';
import type { Progress } from './progress.ts';
import { LOWEST_SHARE, START_RPS_PER_GPU } from '../goodput/simulated.ts';

/**
 * So many prefill instances that two prompts hardly ever share one: they feed the decode instance that is judged alone.
 */
const AMPLE_PREFILL = 64;

export interface PhaseQuery {
  readonly system: string;
  readonly shapes: readonly Shape[];
  /** The limits of this phase only. */
  readonly limits: Slo;
  readonly arrivals: Arrivals;
}

/**
 * Goodput of one instance of each shape for one phase alone, judged by the limit of that phase.
 * Prefill alone is the system with outputs of one token: none is transferred. Decode alone is the system behind so many
 * prefill instances that none has a queue: requests reach it as they arrive, one prompt's time later, with their KV
 * ready. So both run the system's own policies, and no second engine has to agree with it.
 */
export async function phaseAlone(
  pool: Pool,
  phase: PhaseName,
  { system, shapes, limits, arrivals }: PhaseQuery,
  progress: Progress,
): Promise<PhaseGoodput[]> {
  const queries = shapes.map((shape) => {
    const unit: Group[] = [
      { role: 'prefill', instances: phase === 'prefill' ? 1 : AMPLE_PREFILL, ...shape },
      { role: 'decode', instances: 1, ...shape },
    ];
    const gpus = gpusOf([shape]);
    const startRps = START_RPS_PER_GPU * gpus;
    return {
      system: `${system},${unitOptions(unit)}`,
      gpus,
      limits,
      arrivals,
      outputTokens: phase === 'prefill' ? 1 : null,
      startRps,
      lowestRps: startRps * LOWEST_SHARE,
    };
  });
  const results = await pool.ask(queries, (_, result) => progress.add(result, null));
  return shapes.flatMap((shape, i) => {
    const goodput = results[i]?.goodput;
    return goodput === undefined ? [] : [{ ...shape, gpus: gpusOf([shape]), ...goodput }];
  });
}

/** Of an SLO, what a phase alone decides: TTFT by prefill, TPOT and the gaps between tokens by decode. */
export function phaseLimits({ by_class, ...others }: Slo, phase: PhaseName): Slo {
  const metrics = SLO_METRICS.filter((metric) => metric !== 'e2e' && (metric === 'ttft') === (phase === 'prefill'));
  const of = (limits: Limits): Limits =>
    Object.fromEntries(metrics.flatMap((metric) => (limits[metric] === undefined ? [] : [[metric, limits[metric]]])));
  return by_class === undefined
    ? of(others)
    : {
        ...of(others),
        by_class: Object.fromEntries(Object.entries(by_class).map(([name, limits]) => [name, of(limits)])),
      };
}

/** Estimated rate of a unit in requests/s: that of its slower phase, if n instances carried n times as much as one. */
export function estimateByPhases(
  unit: readonly Group[],
  phases: Readonly<Record<PhaseName, readonly PhaseGoodput[]>>,
): number {
  return Math.min(
    ...unit.map(({ role, instances, tp, pp }) => {
      const alone = role === 'both' ? undefined : phases[role].find((each) => each.tp === tp && each.pp === pp);
      return instances * (alone?.goodput_rps ?? 0);
    }),
  );
}
