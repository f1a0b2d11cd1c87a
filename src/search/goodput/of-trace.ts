import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { meanRate } from '../../core/rate.ts';
import { version } from '../../core/version.ts';
import { gpuCount } from '../../engine/index.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { openReporter, type Reporter } from '../../run/reporter.ts';
import type { RunHooks } from '../../run/run.ts';
import { checkRunDirectory } from '../../runs/run-directory.ts';
import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../../schema/goodput.ts';
import { openTarget } from '../../target/open-target.ts';
import type { TargetSession } from '../../target/session.ts';
import { decided } from './probe-tally.ts';
import { keptProbe, probeOf, runProbe, type Judgement, type Settled } from './probe.ts';
import { findGoodput, type Bracket, type Trial } from './search.ts';

/** Rates are tried down to and up to so many times the first; of a server, whose slowest runs take hours, not so far down. */
const REACH = 2 ** 10;
const REACH_OF_SERVER = 2 ** 4;

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
export interface SearchHooks extends RunHooks {
  /** A probe begins; `bracket`: the highest rate that met the first goal so far, the lowest that missed it. */
  readonly probing: (rateRps: number, number: number, bracket: readonly [number | null, number | null]) => void;
  readonly probed: (settled: Settled, isKept: boolean) => void;
  /** False: the time of the search is over. */
  readonly hasTime: () => boolean;
}

interface ProbeTrial extends Trial {
  readonly settled: Settled;
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
  const reporter = openReporter();
  try {
    const searching: Searching = { search, hooks, session, reporter, settled: new Map() };
    const startRps = search.startRps ?? ownRps;
    const brackets: Found[] = [];
    for (const at of search.goals) {
      const bracket = await bracketOf(searching, at, startRps);
      brackets.push({ at, bracket, isBudget: !mayGoOn(searching) });
    }
    await reporter.done();
    return reportOf(own, session, search, { ownRps, settled: [...searching.settled.values()], brackets });
  } finally {
    await Promise.all([session.close(), reporter.close()]);
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
  readonly reporter: Reporter;
  /** By the rate that was asked for. */
  readonly settled: Map<number, Settled>;
}

/** What was found for one goal. */
interface Found {
  readonly at: number;
  readonly bracket: Bracket<ProbeTrial>;
  /** Whether the budget was used up. */
  readonly isBudget: boolean;
}

function mayGoOn({ search, hooks, settled }: Searching): boolean {
  return hooks.hasTime() && [...settled.values()].reduce((sum, { due }) => sum + due, 0) < search.mostRequests;
}

async function bracketOf(searching: Searching, at: number, startRps: number): Promise<Bracket<ProbeTrial>> {
  const { search, hooks, settled } = searching;
  const { precision } = search;
  const reach = searching.session.facts.kind === 'reference' ? REACH : REACH_OF_SERVER;
  // A run that went to its end, or was cut once every goal was settled, leaves none open.
  const trialOf = (each: Settled): ProbeTrial => ({
    rateRps: each.rateRps,
    settled: each,
    met: decided(each.judged, at) === true,
  });
  let [low, high]: [number | null, number | null] = [null, null];
  return findGoodput(
    async (rateRps) => {
      hooks.probing(rateRps, settled.size + 1, [low, high]);
      const each = await probeAt(searching, rateRps);
      settled.set(rateRps, each);
      const trial = trialOf(each);
      if (trial.met) low = rateRps;
      else high = rateRps;
      return trial;
    },
    {
      startRps,
      lowestRps: startRps / reach,
      highestRps: startRps * REACH,
      precision: (1 + precision) / (1 - precision) - 1,
      mayGoOn: () => mayGoOn(searching),
    },
    [...settled.values()].map(trialOf),
  );
}

/** The run at one rate: as it stands in the folder, or a new one. */
async function probeAt(
  { search, hooks, session, reporter, settled: found }: Searching,
  rateRps: number,
): Promise<Settled> {
  const where = { rateRps, dir: join(search.dir, nameOf(rateRps)) };
  // What the scaling does to the trace was said of it as a whole.
  const plan = await planRun(search.specAt(rateRps, where.dir), { ...hooks, log: SILENT });
  const kept = await keptProbe(session, plan, where, search);
  // While no rate has missed, the runs are far from the goodput.
  const endsMet = ![...found.values()].some(({ judged }) => search.goals.some((at) => decided(judged, at) === false));
  const settled = kept ?? (await runProbe(session, plan, { ...where, endsMet }, search, hooks));
  if (kept === null) reporter.report(where.dir);
  hooks.probed(settled, kept !== null);
  if (kept === null) await session.settle(hooks.stop);
  return settled;
}

/** Where the run at a rate stands, from the folder of `goodput.json`. */
function nameOf(rateRps: number): string {
  return join('probes', `${Number(rateRps.toPrecision(6))}rps`);
}

interface AnswerContext {
  readonly precision: number;
  readonly ownRps: number;
  readonly gpus: number | null;
  readonly probes: readonly GoodputProbe[];
}

function answerOf(
  { at, bracket: { met, missed }, isBudget }: Found,
  { precision, ownRps, gpus, probes }: AnswerContext,
): GoodputAnswer {
  const [low, high] = [met?.rateRps ?? null, missed?.rateRps ?? null];
  const ends = probes.filter(({ rate_rps }) => rate_rps === low || rate_rps === high);
  const halfWidth = low === null || high === null ? null : (high - low) / (high + low);
  return {
    at,
    goodput_rps: low,
    goodput_rps_per_gpu: low === null || gpus === null ? null : low / gpus,
    bracket_rps: [low, high],
    half_width: halfWidth,
    times_trace: low === null ? null : low / ownRps,
    binding: probes.find(({ rate_rps }) => rate_rps === high)?.binding ?? null,
    state: stateOf(),
  };

  function stateOf(): GoodputAnswer['state'] {
    if (ends.some(({ valid }) => !valid)) return 'not_valid';
    if (halfWidth !== null && halfWidth <= precision * (1 + 1e-9)) return 'bracketed';
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
  { slo, precision, gpus: given }: TraceSearch,
  {
    ownRps,
    settled,
    brackets,
  }: { readonly ownRps: number; readonly settled: readonly Settled[]; readonly brackets: readonly Found[] },
): GoodputReport {
  const gpus = gpusOf(spec, given);
  const inOrder = settled.toSorted((a, b) => a.rateRps - b.rateRps);
  const probes = inOrder.map((each) => probeOf(each, nameOf(each.rateRps)));
  const answers = brackets.map((found) => answerOf(found, { precision, ownRps, gpus, probes }));
  const [first] = answers;
  if (first === undefined) throw new Error('no share was searched for');
  const used = probes.reduce((sum, { requests_used }) => sum + requests_used, 0);
  return {
    schema: 1,
    of: 'trace',
    ...first,
    answers,
    slo: { text: slo.text, limits_ms: slo.limits },
    arrivals: 'trace',
    precision,
    target: { spec: facts.spec, kind: facts.kind, model: facts.model },
    gpus,
    clock: spec.target.clock,
    workload: { name: source.name, sha256: stats.sourceSha256, requests: stats.requests, rate_rps: ownRps },
    probes,
    requests_used: used,
    traces_used: used / stats.requests,
    versions: { reprise: version() },
  };
}
