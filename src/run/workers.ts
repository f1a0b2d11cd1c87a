import { workersFor } from '../certificate/workers.ts';
import { UserError } from '../core/errors.ts';
import type { PlanStats } from '../core/plan.ts';
import { isOfThisMachine } from '../core/server-address.ts';
import { formatMs } from '../core/units.ts';
import { MOST_THREADS_PER_CORE } from '../core/worker.ts';
import type { TargetConfig } from '../target/target-spec.ts';
import { plannedLoad } from './certified.ts';
import { isOwnSource, type RunSpec } from './run-spec.ts';

/**
 * How many threads of the client send the requests of a plan. `auto`: as many as its busiest time needs by the certificate
 * of the machine, as far as there are cores, and one, which costs least, without a certificate and where several cannot do
 * what is asked for. A number is so many, but no more than can have a request, or than a machine can run.
 */
export function workersOf(spec: RunSpec, stats: Pick<PlanStats, 'busiest' | 'requests'>, cores: number): number {
  if (spec.workers !== 'auto')
    return Math.max(1, Math.min(spec.workers, stats.requests, MOST_THREADS_PER_CORE * cores));
  if (whyOne(spec) !== null) return 1;
  return workersFor(plannedLoad(stats), spec.certificate, Math.max(1, cores - coresOfServer(spec.target)));
}

/** A server on this machine needs one at least. */
function coresOfServer({ spec }: TargetConfig): number {
  return spec.kind === 'engine' || spec.endpoints.some(({ url }) => isOfThisMachine(url)) ? 1 : 0;
}

/** Throws a UserError where several workers could not do what a run asks for. */
export function checkWorkers(spec: RunSpec): void {
  const { workers } = spec;
  const why = workers === 1 || workers === 'auto' ? null : whyOne(spec);
  if (why !== null) throw new UserError(`--workers ${workers}: ${why}; leave one of them out`);
}

/** What one client alone can do, such as keep a cap: cut into pieces for each worker it is another. Null: nothing. */
function whyOne({ workload, target, measure: { maxInFlight, idleCapUs } }: RunSpec): string | null {
  if (target.clock === 'virtual') return 'with --clock virtual the engine and its clock are in one thread';
  if (target.codec !== null) return 'a codec of your own works in the thread that made it';
  if (isOwnSource(workload)) return 'a source of your own is read in the thread that made it';
  const { lanes } = workload.sessions ?? {};
  if (maxInFlight !== null) return `--max-in-flight ${maxInFlight} counts the requests of one client`;
  if (lanes !== undefined) return `--concurrent-sessions ${lanes} counts the sessions of one client`;
  if (idleCapUs !== null)
    return `--idle-cap ${formatMs(idleCapUs / 1000)} is kept by one client, which sees all requests`;
  return null;
}
