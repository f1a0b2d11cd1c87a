import { judgeFamily, haveLogarithms, type JudgedFigure, type Levels } from '../../compare/compare.ts';
import { machines } from '../../compare/doubts.ts';
import { repeatsToTheBit, unlikeLoad } from '../../compare/likeness.ts';
import { UserError } from '../../core/errors.ts';
import { ln } from '../../core/portable-math.ts';
import { threeFigures } from '../../core/units.ts';
import { version } from '../../core/version.ts';
import type { ComparedSide, Comparison, GoodputName } from '../../schema/comparison.ts';
import type { GoodputAnswer, GoodputReport } from '../../schema/goodput.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { usableInterval } from '../../../reports/index.ts';

/** A goodput, and what it is known to. */
interface GoodputFigure {
  readonly value: number;
  readonly range: readonly [low: number, high: number];
  /** The range is a step of the search: the same system again may have the goodput anywhere in it. */
  readonly isStep: boolean;
}

type GoodputFigures = ReadonlyMap<GoodputName, GoodputFigure>;

/** The goodputs that a search found, by their names; `reasons`: why others are not known, or none is believed. */
export function goodputsOf(
  { answers, of }: GoodputReport,
  names: readonly GoodputName[],
): { readonly figures: GoodputFigures; readonly reasons: readonly string[] } {
  const figures = new Map<GoodputName, GoodputFigure>();
  const reasons = new Set<string>();
  for (const [i, answer] of answers.entries()) {
    const name = names[i];
    const figure = of === 'trace' ? byBracket(answer) : byInterval(answer);
    const why = answer.state === 'not_valid' ? 'the client fell behind in a run that decides' : whyNot(answer, figure);
    if (why !== null) reasons.add(why);
    if (name !== undefined && figure !== null) figures.set(name, figure);
  }
  return { figures, reasons: [...reasons] };
}

function byBracket({ bracket_rps: [low, high], state }: GoodputAnswer): GoodputFigure | null {
  if (low === null && high !== null && state === 'below') return { value: 0, range: [0, high], isStep: true };
  return low === null || high === null ? null : { value: low, range: [low, high], isStep: true };
}

function byInterval(answer: GoodputAnswer): GoodputFigure | null {
  const [interval, { goodput_rps, bracket_rps, state }] = [usableInterval(answer), answer];
  if (interval !== null && goodput_rps !== null) return { value: goodput_rps, range: interval, isStep: false };
  return state === 'below' ? { value: 0, range: [0, bracket_rps[1] ?? 0], isStep: true } : null;
}

function whyNot({ state, at, bracket_rps: [low] }: GoodputAnswer, figure: GoodputFigure | null): string | null {
  if (figure !== null) return null;
  if (state === 'above')
    return `the SLO was still met at the highest rate that was tried, ${threeFigures(low ?? 0)} requests/s; give a tighter --slo`;
  return `the budget ended before the goodput at ${at} was found; give a larger --budget`;
}

/** A search of a night. */
interface Searched {
  readonly name: string;
  readonly dir: string;
  /** What its runs were asked to do, at the trace's own rate. */
  readonly asked: Manifest;
  readonly figures: GoodputFigures;
}

/**
 * Compares the goodputs of two nights. What repeats to the bit is compared exactly, else by how nights spread; of neither
 * more is said than the searches can tell. Throws a UserError with what differs where they were not asked to do the same.
 */
export function compareGoodputs(
  base: Searched,
  now: Searched,
  { margin, levels }: { readonly margin: number; readonly levels: Levels | null },
): Comparison {
  const unlike = unlikeLoad(base.asked, now.asked);
  if (unlike.length > 0)
    throw new UserError(`${base.dir} and ${now.dir} cannot be compared: they differ in ${unlike.join(', ')}`);
  const isBoth = repeatsToTheBit(base.asked) && repeatsToTheBit(now.asked);
  const order = isBoth ? 'exact' : levels === null ? 'separate' : 'nights';
  const judged = [...now.figures].flatMap(([name, figure]) => {
    const earlier = base.figures.get(name);
    return earlier === undefined ? [] : [judgedFigure(name, earlier, figure, order === 'nights' ? levels : null)];
  });
  const { workload, slo, plan_sha256 } = now.asked;
  return {
    schema: 1,
    base: sideOf(base),
    new: sideOf(now),
    ...judgeFamily(judged, { order, margin, isOneRun: true, isBlocked: false }),
    doubts: machines([{ manifest: base.asked }], [{ manifest: now.asked }]),
    slo: slo === null ? null : { text: slo.text, limits_ms: slo.limits_ms },
    workload: { name: workload.name, requests: workload.requests, plan_sha256 },
    paired_requests: 0,
    most_changed: [],
    versions: { reprise: version() },
  };
}

function judgedFigure(name: GoodputName, base: GoodputFigure, now: GoodputFigure, levels: Levels | null): JudgedFigure {
  return {
    name,
    base: [base.value],
    now: [now.value],
    isFinite: haveLogarithms([base.value, now.value]),
    level: levels?.[name],
    resolution: base.isStep || now.isStep ? Math.max(stepOf(base), stepOf(now)) : byTraffic(base, now),
  };
}

/** Two goodputs in the same step may be a step apart. */
function stepOf({ isStep, range: [low, high] }: GoodputFigure): number {
  return isStep && low > 0 ? ln(high / low) : 0;
}

/**
 * The largest standard deviation of the logarithm of the ratio of two systems' goodputs by the same rows of traffic
 * (`statistics.md`, "Goodput: two estimands").
 */
const SHARED_ROWS_SD = 0.014;

/** A system that has not changed has the same goodput again, to the bit. */
function byTraffic(base: GoodputFigure, now: GoodputFigure): number {
  return base.value === now.value ? 0 : 1.96 * SHARED_ROWS_SD;
}

function sideOf({ name, dir, asked: { target, run_id, started_at, status, salt } }: Searched): ComparedSide {
  const { spec, kind, model } = target;
  return { name, target: { spec, kind, model }, runs: [{ dir, run_id, started_at, status, valid: true, salt }] };
}
