import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { meanRate } from '../../core/rate.ts';
import { version } from '../../core/version.ts';
import { gpuCount } from '../../engine/index.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import type { RunHooks } from '../../run/run.ts';
import { checkRunDirectory } from '../../runs/run-directory.ts';
import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../../schema/goodput.ts';
import { openTarget } from '../../target/open-target.ts';
import type { TargetSession } from '../../target/session.ts';
import { decided } from './probe-tally.ts';
import { keptProbe, runProbe, type Judgement } from './probe.ts';
import { findGoodput, type Bracket, type Trial } from './search.ts';

/** Rates are tried down to and up to so many times the first. */
const REACH = 2 ** 10;

export interface TraceSearch extends Judgement {
  /** The run of the trace at a rate, into a folder; null: at the trace's own rate. */
  readonly specAt: (rateRps: number | null, dir: string) => RunSpec;
  /** The folder of `goodput.json`; its probes stand in `probes`. */
  readonly dir: string;
  /** Half width of the bracket that is wanted, as a share of its middle. */
  readonly precision: number;
  /** The first rate; null: the trace's own. */
  readonly startRps: number | null;
  /** GPUs of a server, which does not tell; null: not known. */
  readonly gpus: number | null;
  /** Most requests that all probes together may use. */
  readonly mostRequests: number;
}

/** Receives the events of a search. */
export interface SearchHooks extends Omit<RunHooks, 'started'> {
  /** A probe begins; `bracket`: the highest rate that met the first goal so far, the lowest that missed it. */
  readonly probing: (rateRps: number, number: number, bracket: readonly [number | null, number | null]) => void;
  readonly started: RunHooks['started'];
  readonly probed: (probe: GoodputProbe, isKept: boolean) => void;
  /** False: the time of the search is over. */
  readonly hasTime: () => boolean;
}

interface ProbeTrial extends Trial {
  readonly probe: GoodputProbe;
}

/**
 * The highest rate at which the whole trace, from an empty system, still attains each goal (`statistics.md`, "Of this
 * trace"): a bracket by runs over one session of the target, each cut when it is decided. A search that was interrupted
 * goes on: runs that stand in its folder are not made again.
 */
export async function goodputOfTrace(search: TraceSearch, hooks: SearchHooks): Promise<GoodputReport> {
  checkFolder(search.dir);
  const own = await planRun(search.specAt(null, search.dir), hooks);
  const { stats, spec } = own;
  const ownRps = meanRate(stats.requests, stats.firstDueUs, stats.lastDueUs);
  if (ownRps === null)
    throw new UserError(`${own.source.name}: all of its requests are due at one time: there is no timing to scale`);
  const session = await openTarget(spec.target, {
    plan: own,
    salt: own.salt,
    dir: search.dir,
    patienceUs: spec.measure.ttftTimeoutUs,
    stop: hooks.stop,
    log: hooks.log,
  });
  try {
    const probes = new Map<number, GoodputProbe>();
    const startRps = search.startRps ?? ownRps;
    const answers: GoodputAnswer[] = [];
    for (const at of search.goals) {
      const bracket = await bracketOf({ search, hooks, session, probes }, at, startRps);
      const gpus = gpusOf(spec, search.gpus);
      answers.push(answerOf(at, bracket, { search, ownRps, gpus, isBudget: !mayGoOn(search, hooks, probes) }));
    }
    return reportOf(own, session, search, { ownRps, probes: [...probes.values()], answers });
  } finally {
    await session.close();
  }
}

/** A search goes on in its own folder, and in no other that holds something. */
function checkFolder(dir: string): void {
  if (!existsSync(join(dir, 'probes')) && !existsSync(join(dir, 'goodput.json'))) checkRunDirectory(dir);
}

interface Searching {
  readonly search: TraceSearch;
  readonly hooks: SearchHooks;
  readonly session: TargetSession;
  /** By the rate that was asked for. */
  readonly probes: Map<number, GoodputProbe>;
}

function mayGoOn({ mostRequests }: TraceSearch, { hasTime }: SearchHooks, probes: Searching['probes']): boolean {
  return hasTime() && usedRequests([...probes.values()]) < mostRequests;
}

function usedRequests(probes: readonly GoodputProbe[]): number {
  return probes.reduce((sum, { requests_used }) => sum + requests_used, 0);
}

async function bracketOf(searching: Searching, at: number, startRps: number): Promise<Bracket<ProbeTrial>> {
  const { search, hooks, probes } = searching;
  const { precision } = search;
  const trialOf = (rateRps: number, probe: GoodputProbe): ProbeTrial => {
    const { met, missed, requests } = probe;
    // A run that went to its end, or was cut for every goal, leaves none open.
    return { rateRps, probe, met: decided({ met, missed, of: requests }, at) === true };
  };
  const known = [...probes].map(([rateRps, probe]) => trialOf(rateRps, probe));
  let [low, high]: [number | null, number | null] = [null, null];
  return findGoodput(
    async (rateRps) => {
      hooks.probing(rateRps, probes.size + 1, [low, high]);
      const probe = await probeAt(searching, rateRps);
      probes.set(rateRps, probe);
      const trial = trialOf(rateRps, probe);
      if (trial.met) low = rateRps;
      else high = rateRps;
      return trial;
    },
    {
      startRps,
      lowestRps: startRps / REACH,
      highestRps: startRps * REACH,
      precision: (1 + precision) / (1 - precision) - 1,
      mayGoOn: () => mayGoOn(search, hooks, probes),
    },
    known,
  );
}

/** The run at one rate: as it stands in the folder, or a new one. */
async function probeAt({ search, hooks, session }: Searching, rateRps: number): Promise<GoodputProbe> {
  const name = `${Number(rateRps.toPrecision(6))}rps`;
  const dir = join(search.dir, 'probes', name);
  // What the scaling does to the trace was said of it as a whole.
  const plan = await planRun(search.specAt(rateRps, dir), { ...hooks, log: SILENT });
  const kept = keptProbe(session, plan, dir, search);
  const probe = {
    ...(kept ?? (await runProbe(session, plan, dir, search, hooks))),
    rate_rps: rateRps,
    dir: join('probes', name),
  };
  hooks.probed(probe, kept !== null);
  if (kept === null) await session.settle(hooks.stop);
  return probe;
}

interface AnswerContext {
  readonly search: TraceSearch;
  readonly ownRps: number;
  readonly gpus: number | null;
  /** Whether the budget was used up. */
  readonly isBudget: boolean;
}

function answerOf(
  at: number,
  { met, missed }: Bracket<ProbeTrial>,
  { search, ownRps, gpus, isBudget }: AnswerContext,
): GoodputAnswer {
  const [low, high] = [met?.rateRps ?? null, missed?.rateRps ?? null];
  const halfWidth = low === null || high === null ? null : (high - low) / (high + low);
  return {
    at,
    goodput_rps: low,
    goodput_rps_per_gpu: low === null || gpus === null ? null : low / gpus,
    bracket_rps: [low, high],
    half_width: halfWidth,
    times_trace: low === null ? null : low / ownRps,
    binding: missed?.probe.binding ?? null,
    state: stateOf(),
  };

  function stateOf(): GoodputAnswer['state'] {
    if ([met, missed].some((trial) => trial !== null && !trial.probe.valid)) return 'not_valid';
    if (halfWidth !== null && halfWidth <= search.precision * (1 + 1e-9)) return 'bracketed';
    if (isBudget) return 'budget';
    return low === null ? 'below' : 'above';
  }
}

function gpusOf({ target: { spec } }: RunSpec, given: number | null): number | null {
  return given ?? (spec.kind === 'engine' ? gpuCount(spec.engine) : null);
}

function reportOf(
  { spec, stats, source }: RunPlan,
  { facts }: TargetSession,
  { goals, slo, precision, gpus }: TraceSearch,
  found: {
    readonly ownRps: number;
    readonly probes: readonly GoodputProbe[];
    readonly answers: readonly GoodputAnswer[];
  },
): GoodputReport {
  const [first] = found.answers;
  if (first === undefined) throw new Error(`no share of ${goals.length} was searched for`);
  const used = usedRequests(found.probes);
  return {
    schema: 1,
    of: 'trace',
    ...first,
    answers: found.answers,
    slo: { text: slo.text, limits_ms: slo.limits },
    arrivals: 'trace',
    precision,
    target: { spec: facts.spec, kind: facts.kind, model: facts.model },
    gpus: gpusOf(spec, gpus),
    clock: spec.target.clock,
    workload: {
      name: source.name,
      sha256: stats.sourceSha256,
      requests: stats.requests,
      rate_rps: found.ownRps,
    },
    probes: found.probes.toSorted((a, b) => a.rate_rps - b.rate_rps),
    requests_used: used,
    traces_used: used / stats.requests,
    versions: { reprise: version() },
  };
}
