import type { SloSpec } from '../../core/slo.ts';
import { version } from '../../core/version.ts';
import { crossing } from '../../metrics/crossing.ts';
import {
  gpusOfPair,
  isAhead,
  type SweepGoodput,
  type SweepMinScale,
  type SweepOrderChange,
  type SweepPoint,
  type SweepReport,
} from '../../schema/sweep.ts';
import type { Measured } from './point.ts';

/** One run and where it stands in the grid. */
export interface MeasuredRun extends Pick<Measured, 'requests' | 'valid' | 'scales' | 'smallest'> {
  readonly target: string;
  readonly rate_rps: number;
  readonly rate_rps_per_gpu: number | null;
  readonly dir: string;
}

export type SweepHead = Pick<SweepReport, 'at' | 'slo' | 'slo_scales' | 'per_gpu' | 'clock' | 'workload' | 'targets'>;

/** An SLO as `sweep.json` has it. */
export function sweepSlo({ text, profile, limits }: SloSpec): SweepReport['slo'] {
  return { text, ...(profile === undefined ? {} : { profile }), limits_ms: limits };
}

/** Everything that a sweep says, from its runs in the order of the grid. */
export function foldSweep(head: SweepHead, runs: readonly MeasuredRun[]): SweepReport {
  const { at, slo, slo_scales, per_gpu, clock, workload, targets } = head;
  const points = runs.flatMap(pointsOf);
  const goodputs = targets.flatMap(({ name, gpus }) =>
    slo_scales.map((scale) => {
      const own = points.filter(({ target, slo_scale }) => target === name && slo_scale === scale);
      return goodputOf(own, at, gpus);
    }),
  );
  return {
    schema: 1,
    at,
    slo,
    slo_scales,
    per_gpu,
    clock,
    workload,
    targets,
    points,
    goodputs,
    min_scales: runs.map((run) => minScaleOf(run, at)),
    order_changes: orderChanges(targets, goodputs),
    versions: { reprise: version() },
  };
}

function pointsOf({ target, rate_rps, rate_rps_per_gpu, dir, requests, valid, scales }: MeasuredRun): SweepPoint[] {
  return scales.map(({ scale, ...judged }) => ({
    target,
    rate_rps,
    rate_rps_per_gpu,
    slo_scale: scale,
    ...judged,
    valid,
    requests,
    dir,
  }));
}

/** Of the points of one target and scale, in order of rate. */
function goodputOf(points: readonly SweepPoint[], goal: number, gpus: number | null): SweepGoodput {
  const [first] = points;
  if (first === undefined) throw new Error('a target without a run');
  const { at, state, last, miss, ci95 } = crossing(
    points.map(({ rate_rps, ...point }) => ({ ...point, x: rate_rps })),
    goal,
  );
  const deciding = points.filter(({ rate_rps }) => rate_rps === last || rate_rps === miss);
  return {
    target: first.target,
    slo_scale: first.slo_scale,
    goodput_rps: at,
    goodput_rps_per_gpu: at === null || gpus === null ? null : at / gpus,
    bracket_rps: [last, miss],
    ci95_rps: ci95,
    state,
    valid: deciding.every(({ valid }) => valid),
    binding: points.find(({ rate_rps }) => rate_rps === miss)?.binding ?? null,
  };
}

function minScaleOf(
  { target, rate_rps, rate_rps_per_gpu, valid, scales, smallest }: MeasuredRun,
  goal: number,
): SweepMinScale {
  const met = scales.filter(({ attainment }) => attainment >= goal).length;
  return {
    target,
    rate_rps,
    rate_rps_per_gpu,
    min_scale: smallest.scale,
    ci95_scale: smallest.ci95_scale,
    state: met === 0 ? 'none' : met === scales.length ? 'all' : 'between',
    valid,
  };
}

/** Where any two targets change places from one scale to a larger one; scales at which neither is ahead are passed over. */
function orderChanges(targets: SweepReport['targets'], goodputs: readonly SweepGoodput[]): SweepOrderChange[] {
  const pairs = targets.flatMap((one, i) => targets.slice(i + 1).map((other) => [one, other] as const));
  return pairs.flatMap(([one, other]) => {
    const gpus = gpusOfPair(one, other);
    const [ours, theirs] = [one, other].map(({ name }) => goodputs.filter(({ target }) => target === name));
    const changes: SweepOrderChange[] = [];
    let before: { readonly scale: number; readonly name: string } | null = null;
    for (const [i, a] of (ours ?? []).entries()) {
      const b = theirs?.[i];
      if (b === undefined) continue;
      const name = isAhead(a, b, gpus) ? a.target : isAhead(b, a, [gpus[1], gpus[0]]) ? b.target : null;
      if (name === null) continue;
      if (before !== null && before.name !== name)
        changes.push({
          ahead: before.name,
          beyond: name,
          to_scale: before.scale,
          from_scale: a.slo_scale,
          per_gpu: one.gpus !== null && other.gpus !== null,
        });
      before = { scale: a.slo_scale, name };
    }
    return changes;
  });
}
