import { availableParallelism } from 'node:os';
import { checkClasses } from '../core/slo.ts';
import { SILENT, type Log } from '../core/log.ts';
import { UserError } from '../core/errors.ts';
import { formatMs } from '../core/units.ts';
import { countText } from '../core/words.ts';
import type { Plan, PlanStats, SessionsPlan, Source, WorkloadSpec } from '../core/plan.ts';
import { scanWorkload, type ScannedWorkload } from '../../workloads/open-workload.ts';
import { requireOrder } from '../../workloads/order.ts';
import { scanPlan, type ScanOptions } from '../../workloads/scan.ts';
import { historyOf } from '../../workloads/sessions.ts';
import { measurementWindow } from './measurement-window.ts';
import { isOwnSource, type RunSpec } from './run-spec.ts';
import { unusedOptions } from './unused-options.ts';
import { workersOf } from './workers.ts';

/** A run whose workload was read to its end without errors. */
export interface RunPlan extends Plan {
  readonly spec: RunSpec;
  /** Rows of the workload that are left out as wrong. */
  readonly badRows: number;
  /** Threads of the client that send its requests; 1: they are sent in the thread that runs all. */
  readonly workers: number;
}

/**
 * Reads the workload to its end, before any request is sent; `newSalt` makes the salt of a run that is given none.
 * `others`: the same run of other targets, with which an option may do something. Throws a UserError that names the error
 * in the workload.
 */
export async function planRun(
  spec: RunSpec,
  { log, newSalt }: { readonly log: Log; readonly newSalt: () => string },
  others: readonly RunSpec[] = [],
): Promise<RunPlan> {
  const scanned = await scan(spec, log);
  const { source, stats } = scanned;
  if (spec.measure.idleCapUs !== null && scanned.sessions?.thinks !== true)
    throw new UserError(
      `--idle-cap ${formatMs(spec.measure.idleCapUs / 1000)}: every request of ${source.name} is at its time in the trace, which stays; idle time is cut out with --sessions think`,
    );
  if (spec.slo !== null && stats.classes !== undefined) checkClasses(spec.slo.limits, stats.classes);
  for (const warning of stats.warnings) log.warn(`${source.name}: ${warning}`);
  const window = measurementWindow(spec.measure, source, stats, scanned.sessions !== null);
  const isVirtual = spec.target.clock === 'virtual';
  for (const text of unusedOptions([spec, ...others], source.format)) log.warn(text);
  const cores = availableParallelism();
  const workers = workersOf(spec, stats, cores);
  if (workers > cores)
    log.warn(
      `--workers ${spec.workers}: this machine has ${countText(cores, 'core')}; workers that share one delay each other${workers === spec.workers ? '' : `; ${workers} are started`}`,
    );
  const salt = isVirtual ? null : (spec.salt ?? newSalt());
  return {
    spec,
    ...scanned,
    workers,
    seed: spec.seed,
    salt,
    endUs: scanned.sessions === null ? stats.lastDueUs : null,
    window,
  };
}

interface Scanned {
  /** Null for a source that the caller made. */
  readonly workload: WorkloadSpec | null;
  readonly source: Source;
  readonly stats: PlanStats;
  readonly sessions: SessionsPlan | null;
  readonly badRows: number;
}

async function scan({ workload, seed, measure, prepare }: RunSpec, log: Log): Promise<Scanned> {
  const options = { warmupUs: measure.warmupUs, firstRequests: prepare.warmupRequests };
  if (isOwnSource(workload)) {
    const source = requireOrder(plainSource(workload));
    return { workload: null, source, stats: await scanPlan(source, seed, options), sessions: null, badRows: 0 };
  }
  const { spec, ...scanned } = await scanReplayed(workload, seed, log, options);
  return { workload: spec, ...scanned };
}

/** Where only its rows say that prompts repeat the answers of the run, a trace is read once more. */
async function scanReplayed(
  workload: WorkloadSpec,
  seed: number,
  log: Log,
  options: ScanOptions,
): Promise<ScannedWorkload> {
  const scanned = await scanWorkload(workload, seed, log, options);
  const { sessions = {} } = workload;
  const history = historyOf(scanned.source, sessions, scanned.stats.hasNewParts ?? false);
  if (history === 'trace' || sessions.history === history) return scanned;
  return scanWorkload({ ...workload, sessions: { ...sessions, history } }, seed, SILENT, options);
}

/** The fields of a source as an object of its own: that of a program may be an instance of a class. */
function plainSource(source: Source): Source {
  const { name, format, path, transforms, blockTokens } = source;
  const open = (): ReturnType<Source['open']> => source.open();
  return { name, format, path, transforms, ...(blockTokens === undefined ? {} : { blockTokens }), open };
}
