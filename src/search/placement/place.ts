import { version } from '../../core/version.ts';
import { scanWorkload } from '../../../workloads/open-workload.ts';
import { UserError } from '../../core/errors.ts';
import {
  ALL_ARRIVALS,
  lengthOf,
  unitWords,
  type Arrivals,
  type Contender,
  type PlacementReport,
} from '../../schema/placement.ts';
import { SILENT, type Log } from '../../core/log.ts';
import type { WorkloadSpec } from '../../core/plan.ts';
import { checkAllJudged, checkClasses, partsOf, type SloSpec } from '../../core/slo.ts';
import { collocatedUnits, disaggregatedUnits, type Cluster } from './candidates.ts';
import { rankUnits } from './rank-units.ts';
import { attainmentCurves, keepingProbes } from './attainment-curves.ts';
import { bestOf, contend } from './contenders.ts';
import { drawLoad, prefixShare, readRows, traceLoad, type Load, type TraceLoad } from '../goodput/load.ts';
import { phaseAlone, phaseLimits, estimateByPhases } from './phase-goodput.ts';
import { openPool } from '../pool.ts';
import { simulatedRequests } from '../goodput/simulated.ts';
import { Progress, type OnProgress } from './progress.ts';
import { resolveSystems, type ResolvedSystems, type SystemsSpec } from './systems.ts';

/** Everything that determines a placement search, as plain JSON. */
export interface PlaceSpec {
  readonly workload: WorkloadSpec;
  readonly systems: SystemsSpec;
  readonly cluster: Cluster;
  readonly slo: SloSpec;
  readonly at: number;
  readonly precision: number;
  /** Requests of each simulation per GPU that it simulates. */
  readonly requestsPerGpu: number;
  /** Units that are simulated at most, those with the highest estimates first. */
  readonly maxUnits: number;
  /** Search the goodput of all of these units, rather than only of those that can win. */
  readonly all: boolean;
  readonly seed: number;
  /**
   * Absent: both, all units ranked by Poisson arrivals and the best of them judged by the trace's own timing too. One of
   * them: that alone, the ranking included.
   */
  readonly arrivals?: readonly Arrivals[];
}

/** More requests of a trace are not replayed with its own timing: these take some two seconds of CPU each time. */
const MOST_TRACE_REQUESTS = 50_000;

export interface PlaceHooks {
  readonly log: Log;
  readonly progress: OnProgress;
  /** Number of threads that simulate; the result does not depend on it. */
  readonly workers: number;
  readonly stop: AbortSignal;
}

/**
 * DistServe's placement search, and collocation beside it; then the best of both with the trace's own timing. Throws a
 * UserError where that timing alone is asked for and the trace has none.
 */
export async function findPlacement(spec: PlaceSpec, hooks: PlaceHooks): Promise<PlacementReport> {
  const { cluster, slo, at, precision, requestsPerGpu } = spec;
  const parts = partsOf(slo.limits);
  const lacking = (['ttft', 'tpot'] as const).find((metric) =>
    parts.every(([, limits]) => limits[metric] === undefined),
  );
  if (lacking !== undefined)
    throw new UserError(
      `--slo: "${slo.text}" has no ${lacking}; prefill is placed by TTFT and decode by TPOT, so give both, e.g. "ttft=250ms,tpot=100ms"`,
    );
  const systems = resolveSystems(spec.systems, cluster, hooks.log);
  const workload = await readWorkload(spec, systems.maxModelLen, hooks.log);
  if (workload.stats.classes !== undefined) {
    checkClasses(slo.limits, workload.stats.classes);
    checkAllJudged(slo.limits, workload.stats.classes);
  }
  const loads = loadsOf(spec, workload, hooks.log);
  const { trace, ranked, rankedBy } = loads;
  const { disaggregated, shapes } = systems;
  const units = disaggregatedUnits({ prefill: shapes.disaggregated, decode: shapes.disaggregated }, cluster);
  const collocated = collocatedUnits(shapes.collocated, cluster);
  const progress = new Progress(hooks.progress);
  progress.expect(2 * shapes.disaggregated.length + units.length + collocated.length);
  const rules = { cluster, limits: slo.limits, arrivals: rankedBy, maxUnits: spec.maxUnits, all: spec.all };
  const simulated = { poisson: loads.poisson, trace: trace?.load ?? null };
  const threads = openPool({ loads: simulated, requestsPerGpu, at, precision }, hooks.workers, hooks.stop);
  const { pool, probesOf } = keepingProbes(threads);
  try {
    // Each phase alone, for the estimates of units; then units; then the same without disaggregation.
    const alone = { system: disaggregated, shapes: shapes.disaggregated, arrivals: rankedBy };
    const phases = {
      prefill: await phaseAlone(pool, 'prefill', { ...alone, limits: phaseLimits(slo.limits, 'prefill') }, progress),
      decode: await phaseAlone(pool, 'decode', { ...alone, limits: phaseLimits(slo.limits, 'decode') }, progress),
    };
    const estimated = units.map((groups) => ({ groups, byPhasesRps: estimateByPhases(groups, phases) }));
    const unestimated = collocated.map((groups) => ({ groups, byPhasesRps: null }));
    const rankings = {
      disaggregated: await rankUnits(pool, estimated, { ...rules, system: disaggregated }, progress),
      collocated: await rankUnits(pool, unestimated, { ...rules, system: systems.collocated }, progress),
    };
    const { simulations } = progress;
    const traceRequests = trace === null ? null : trace.load.dueS.length;
    const contendRules = { systems, limits: slo.limits, traceRequests, requestsPerGpu, rankedBy };
    const contenders = await contend(pool, rankings, contendRules, progress);
    const { simulations: beforeCurves } = progress;
    const attainment = await attainmentCurves(pool, contenders, { rules: contendRules, probesOf }, progress);
    const report: PlacementReport = {
      ...askedOf(spec, workload, ranked),
      max_model_len: systems.maxModelLen,
      arrivals: arrivalsOf(spec),
      prefix: prefixOf(workload, systems),
      systems: {
        disaggregated,
        collocated: systems.collocated,
        mixed_batch_penalty: systems.mixedBatchPenalty,
      },
      phases,
      left_out: systems.leftOut,
      placements: rankings.disaggregated,
      collocated: rankings.collocated,
      simulations,
      contenders,
      trace_timing: timingOf(loads, workload, contenders, beforeCurves - simulations),
      attainment,
      best: bestOf(contenders),
    };
    warnOfShort(report, loads, hooks.log);
    return report;
  } finally {
    await threads.close();
  }
}

type Workload = Awaited<ReturnType<typeof readWorkload>>;

function arrivalsOf({ arrivals = ALL_ARRIVALS }: PlaceSpec): Arrivals[] {
  return ALL_ARRIVALS.filter((each) => arrivals.includes(each));
}

interface Loads {
  readonly poisson: Load | null;
  readonly trace: TraceLoad | null;
  readonly rankedBy: Arrivals;
  /** The one of them that ranks all units. */
  readonly ranked: Load;
}

/** What the arrivals that are asked for have to simulate. */
function loadsOf(spec: PlaceSpec, { source, rows }: Workload, log: Log): Loads {
  const arrivals = arrivalsOf(spec);
  const trace = arrivals.includes('trace') ? traceLoad(rows, MOST_TRACE_REQUESTS) : null;
  if (arrivals.includes('poisson')) {
    if (arrivals.includes('trace') && trace === null)
      log.warn(`${source.name}: all requests are due at one time, so only Poisson arrivals are tried`);
    const poisson = drawLoad(rows, spec.requestsPerGpu * spec.cluster.gpus, spec.seed);
    return { poisson, trace, rankedBy: 'poisson', ranked: poisson };
  }
  if (trace === null)
    throw new UserError(
      `--arrivals trace: all requests of ${source.name} are due at one time, which leaves no timing to scale to a rate; take --arrivals poisson`,
    );
  return { poisson: null, trace, rankedBy: 'trace', ranked: trace.load };
}

function prefixOf({ rows }: Workload, { prefixesKeptBy }: ResolvedSystems): PlacementReport['prefix'] {
  if (rows.prefixes === undefined) return null;
  return {
    block_tokens: rows.prefixes.blockTokens,
    max_hit_ratio_tokens: prefixShare(rows),
    kept_by: [...prefixesKeptBy],
  };
}

/** What was searched, as far as it is known before any simulation. */
function askedOf(
  { systems, cluster, slo, at, precision, requestsPerGpu, seed }: PlaceSpec,
  workload: Workload,
  load: Load,
) {
  const { source, stats, rows } = workload;
  return {
    schema: 1 as const,
    versions: { reprise: version() },
    model: systems.model,
    gpu: systems.gpu,
    gpus: cluster.gpus,
    gpus_per_node: cluster.gpusPerNode,
    affinity: cluster.affinity,
    slo: { text: slo.text, limits_ms: slo.limits, ...(slo.profile === undefined ? {} : { profile: slo.profile }) },
    at,
    precision,
    seed,
    workload: {
      name: source.name,
      format: source.format,
      sha256: stats.sourceSha256,
      transforms: source.transforms,
      requests: stats.requests,
      too_long: rows.tooLong,
      probe_requests_per_gpu: requestsPerGpu,
      mean_input_tokens: mean(load.inputTokens),
      mean_output_tokens: mean(load.outputTokens),
    },
  };
}

function timingOf(
  { trace, rankedBy }: Loads,
  { rows }: Workload,
  contenders: readonly Contender[],
  simulations: number,
): PlacementReport['trace_timing'] {
  // By the trace's own timing alone, the ranking has shown that nothing carries any rate.
  if (trace === null || (contenders.length === 0 && rankedBy === 'poisson')) return null;
  const requests = trace.load.dueS.length;
  return { requests, left_behind: rows.dueUs.length - requests, rate_rps: trace.rateRps, simulations };
}

/** The requests that the model takes. Throws a UserError where the model takes none of them. */
async function readWorkload({ workload: given, systems: { model }, seed }: PlaceSpec, maxTokens: number, log: Log) {
  const { spec, source, stats } = await scanWorkload(given, seed, { ...SILENT, warn: (text) => log.warn(text) });
  const rows = await readRows(source, maxTokens);
  if (rows.inputTokens.length === 0)
    throw new UserError(
      `${spec.path}: every request is longer than the ${maxTokens} tokens of ${model}; cut them with --clip-input and --clip-output`,
    );
  if (rows.tooLong > 0)
    log.warn(
      `${rows.tooLong} of ${stats.requests} requests are longer than the ${maxTokens} tokens of ${model} and are left out (--clip-input and --clip-output cut them instead)`,
    );
  return { source, stats, rows };
}

function warnOfShort(report: PlacementReport, { ranked, rankedBy }: Loads, log: Log): void {
  const { probe_requests_per_gpu: requestsPerGpu } = report.workload;
  for (const ranking of [report.placements, report.collocated]) {
    const [best] = ranking;
    if (best === undefined || best.whole === null) continue;
    const length = lengthOf(simulatedRequests(ranked, rankedBy, best.gpus, requestsPerGpu), best.whole);
    if (length === null || !length.isShort) continue;
    log.warn(
      `${unitWords(best.groups)}: its simulation lasts ${length.lastedS.toFixed(1)} s, and a request ${length.meanE2eS.toFixed(1)} s: beginning empty flatters it; raise --requests to ${length.enough} or more`,
    );
    return;
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
