import { join } from 'node:path';
import { SILENT } from '../../core/log.ts';
import { threeFigures } from '../../core/units.ts';
import { planRun } from '../../run/plan-run.ts';
import { openReporter, type Reporter } from '../../run/reporter.ts';
import type { GoodputAnswer, GoodputProbe } from '../../schema/goodput.ts';
import { shareText } from '../../../reports/index.ts';
import { halfMeasuredRps, ratesOf, type Found, type SearchContext } from './context.ts';
import { decided } from './probe-tally.ts';
import { keptProbe, probeOf, runProbe, type Settled } from './probe.ts';
import { findGoodput, type Bracket, type Trial } from './search.ts';

interface ProbeTrial extends Trial {
  readonly settled: Settled;
}

/**
 * The highest rate at which the whole trace, from an empty system, still attains each goal (`statistics.md`, "Of this
 * trace"): a bracket by runs over one session of the target, each cut when it is decided. A search that was interrupted
 * goes on: runs that stand in its folder are not made again.
 */
export async function ofTrace(context: SearchContext): Promise<Found> {
  const reporter = openReporter();
  try {
    const mostRps = halfMeasuredRps(context.own, context.ownRps);
    if (Number.isFinite(mostRps))
      context.hooks.log.info(
        `no rate over ${threeFigures(mostRps)} requests/s is tried: --warmup and --cooldown would leave out more than half of the trace`,
      );
    const searching: Searching = { ...context, reporter, settled: new Map() };
    const brackets: Searched[] = [];
    for (const at of context.search.goals) {
      const bracket = await bracketOf(searching, at);
      brackets.push({ at, bracket, isBudget: !mayGoOn(searching) });
    }
    await reporter.done();
    const inOrder = [...searching.settled.values()].toSorted((a, b) => a.rateRps - b.rateRps);
    const probes = inOrder.map((each) => probeOf(each, nameOf(each.rateRps)));
    return { answers: brackets.map((found) => answerOf(found, context, probes)), probes };
  } finally {
    await reporter.close();
  }
}

interface Searching extends SearchContext {
  readonly reporter: Reporter;
  /** By the rate that was asked for. */
  readonly settled: Map<number, Settled>;
}

/** The bracket of one goal. */
interface Searched {
  readonly at: number;
  readonly bracket: Bracket<ProbeTrial>;
  /** Whether the budget was used up. */
  readonly isBudget: boolean;
}

function mayGoOn({ search, hooks, settled }: Searching): boolean {
  return !hooks.timeOver.aborted && [...settled.values()].reduce((sum, { due }) => sum + due, 0) < search.mostRequests;
}

async function bracketOf(searching: Searching, at: number): Promise<Bracket<ProbeTrial>> {
  const { search, hooks, settled } = searching;
  const { precision } = search;
  // A run that went to its end, or was cut once every goal was settled, leaves none open.
  const trialOf = (each: Settled): ProbeTrial => ({
    rateRps: each.rateRps,
    settled: each,
    met: decided(each.judged, at) === true,
  });
  let [low, high]: [number | null, number | null] = [null, null];
  return findGoodput(
    async (rateRps) => {
      hooks.probing(rateRps, settled.size + 1, knownText(low, high));
      const each = await probeAt(searching, rateRps);
      if (each === null) return null;
      settled.set(rateRps, each);
      const trial = trialOf(each);
      if (trial.met) low = rateRps;
      else high = rateRps;
      return trial;
    },
    {
      ...ratesOf(searching),
      precision: (1 + precision) / (1 - precision) - 1,
      mayGoOn: () => mayGoOn(searching),
    },
    [...settled.values()].map(trialOf),
  );
}

/** The run at one rate: as it stands in the folder, or a new one; null: the time was over before it was decided. */
async function probeAt(
  { search, hooks, session, reporter, settled: found }: Searching,
  rateRps: number,
): Promise<Settled | null> {
  const where = { rateRps, dir: join(search.dir, nameOf(rateRps)) };
  // What the scaling does to the trace was said of it as a whole.
  const plan = await planRun(search.specAt(rateRps, where.dir), { ...hooks, log: SILENT });
  const kept = await keptProbe(session, plan, where, search);
  // While no rate has missed, the runs are far from the goodput.
  const endsMet = ![...found.values()].some(({ judged }) => search.goals.some((at) => decided(judged, at) === false));
  const settled = kept ?? (await runProbe(session, plan, { ...where, endsMet }, search, hooks));
  if (settled === null) {
    hooks.probed('not decided: the time of --budget is over', false);
    return null;
  }
  if (kept === null) reporter.report(where.dir);
  hooks.probed(outcomeText(settled, search.goals), kept !== null);
  if (kept === null) await session.settle(hooks.stop);
  return settled;
}

function knownText(low: number | null, high: number | null): string | null {
  if (high === null) return low === null ? null : `from ${threeFigures(low)} requests/s on`;
  return low === null
    ? `under ${threeFigures(high)} requests/s`
    : `from ${threeFigures(low)} to ${threeFigures(high)} requests/s`;
}

function outcomeText({ judged: { met, missed, of }, isCut }: Settled, goals: readonly number[]): string {
  const probe = { met, missed, requests: of, attainment: isCut ? null : met / of };
  return `${goals.map((at) => shareText(probe, at)).join(', ')} meet the SLO`;
}

/** Where the run at a rate stands, from the folder of `goodput.json`. */
function nameOf(rateRps: number): string {
  return join('probes', `${Number(rateRps.toPrecision(6))}rps`);
}

function answerOf(
  { at, bracket: { met, missed }, isBudget }: Searched,
  { search: { precision }, ownRps, gpus }: SearchContext,
  probes: readonly GoodputProbe[],
): GoodputAnswer {
  const [low, high] = [met?.rateRps ?? null, missed?.rateRps ?? null];
  const ends = probes.filter(({ rate_rps }) => rate_rps === low || rate_rps === high);
  const lowestMiss = probes.find(({ rate_rps }) => rate_rps === high);
  const halfWidth = low === null || high === null ? null : (high - low) / (high + low);
  return {
    at,
    goodput_rps: low,
    goodput_rps_per_gpu: low === null || gpus === null ? null : low / gpus,
    bracket_rps: [low, high],
    ci95_rps: null,
    slope: null,
    half_width: halfWidth,
    times_trace: low === null ? null : low / ownRps,
    binding: lowestMiss?.binding ?? null,
    ...(lowestMiss?.binding_class === undefined ? {} : { binding_class: lowestMiss.binding_class }),
    state: stateOf(),
  };

  function stateOf(): GoodputAnswer['state'] {
    if (ends.some(({ valid }) => !valid)) return 'not_valid';
    if (halfWidth !== null && halfWidth <= precision * (1 + 1e-9)) return 'bracketed';
    if (isBudget) return 'budget';
    return low === null ? 'below' : 'above';
  }
}
