import type { Log } from '../core/log.ts';
import type { Plan, PlanStats, Source, WorkloadSpec } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import { scanPlan, scanWorkload } from '../../workloads/index.ts';
import { measurementWindow } from './measurement-window.ts';
import { isOwnSource, type RunSpec } from './run-spec.ts';

/** A run whose workload was read to its end without errors. */
export interface RunPlan extends Plan {
  readonly spec: RunSpec;
  /** Rows of the workload that are left out as wrong. */
  readonly badRows: number;
  /** The first requests, as many as there are warm-up requests, or all if the plan has fewer. */
  readonly firstRequests: readonly Request[];
}

/** Reads the workload to its end, before any request is sent. Throws a UserError that names the error in it. */
export async function planRun(spec: RunSpec, log: Log): Promise<RunPlan> {
  const { seed, measure, prepare } = spec;
  const { workload, source, stats, badRows } = await scan(spec.workload, seed, log);
  return {
    spec,
    workload,
    source,
    stats,
    badRows,
    seed,
    endUs: stats.lastDueUs,
    window: await measurementWindow(measure, source, stats),
    firstRequests: await firstRequests(source, prepare.warmupRequests),
  };
}

interface Scanned {
  readonly workload: WorkloadSpec | null;
  readonly source: Source;
  readonly stats: PlanStats;
  readonly badRows: number;
}

async function scan(workload: WorkloadSpec | Source, seed: number, log: Log): Promise<Scanned> {
  if (isOwnSource(workload))
    return { workload: null, source: workload, stats: await scanPlan(workload, seed), badRows: 0 };
  const { spec, ...scanned } = await scanWorkload(workload, seed, {
    warn: (text) => log.warn(text),
    tell: (text) => log.info(text),
  });
  return { workload: spec, ...scanned };
}

async function firstRequests(source: Source, count: number): Promise<Request[]> {
  const first: Request[] = [];
  if (count === 0) return first;
  for await (const batch of source.open()) {
    first.push(...batch.slice(0, count - first.length));
    if (first.length === count) break;
  }
  return first;
}
