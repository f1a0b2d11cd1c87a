import { plainPercent, threeFigures } from '../src/core/units.ts';
import { countText, listText } from '../src/core/words.ts';
import type { GoodputReport } from '../src/schema/goodput.ts';
import { limitsText } from './format.ts';
import { type GoodputVerdict, isOfADraw, usableInterval } from './goodput-verdict.ts';

/** One of several targets of a search; `dir`: the folder of its own `goodput.json`, from that of all. */
export interface TargetGoodput {
  readonly name: string;
  readonly dir: string;
  readonly report: GoodputReport;
}

/** What is known of the goodput of a target, in requests/s: it lies between two rates, of which one may be missing. */
export interface Bounds {
  readonly low: number | null;
  readonly high: number | null;
  /** The goodput; null where it is not known better than by the bounds. */
  readonly rps: number | null;
  readonly isValid: boolean;
}

/** Of the first share that is wanted. */
export function boundsOf(report: GoodputReport): Bounds {
  const isValid = report.state !== 'not_valid';
  const interval = usableInterval(report);
  if (interval !== null) return { low: interval[0], high: interval[1], rps: report.goodput_rps, isValid };
  const [low, high] = report.bracket_rps;
  return { low, high, rps: report.of === 'trace' ? low : null, isValid };
}

/** The ratio of the goodputs of a target and the first, as far as it is known: its lowest and highest. */
export function ratioOf(one: GoodputReport, first: GoodputReport): readonly [number, number] | null {
  if (!isAlike(one, first)) return null;
  const [a, b] = [knownOf(one), knownOf(first)];
  return a === null || b === null ? null : [a[0] / b[1], a[1] / b[0]];
}

/**
 * Both ends; null where one is missing, the client fell behind, probes alone say it of traffic, or it is of one draw of
 * noise.
 */
function knownOf(report: GoodputReport): readonly [number, number] | null {
  const { low, high, rps, isValid } = boundsOf(report);
  return low === null || high === null || rps === null || !isValid || isOfADraw(report) ? null : [low, high];
}

/** Whether two searches ask the same, of the same rows. */
function isAlike(one: GoodputReport, other: GoodputReport): boolean {
  const asked = ({ of, at, arrivals, slo, workload }: GoodputReport): string =>
    JSON.stringify([of, at, arrivals, limitsText(slo.limits_ms), workload.sha256, workload.requests]);
  return asked(one) === asked(other);
}

/** Several targets on the same rows: which carries most, and the ratio of each to the first. */
export function goodputsVerdict(targets: readonly TargetGoodput[]): GoodputVerdict {
  const [first] = targets;
  const isSure = targets.every(({ report: { state } }) => state !== 'not_valid' && state !== 'budget');
  return {
    tone: isSure ? 'none' : 'unsure',
    glyph: isSure ? '●' : '≈',
    sentence: first === undefined ? 'Nothing was searched' : sentenceOf(targets, first.report),
    notes:
      first === undefined
        ? []
        : [...targets.slice(1).map((each) => ratioText(each, first)), ...sharedNotes(targets, first.report)],
  };
}

function sentenceOf(targets: readonly TargetGoodput[], { at, slo }: GoodputReport): string {
  const wanted = `with ${plainPercent(at)} % meeting ${limitsText(slo.limits_ms)}`;
  const best = bestOf(targets);
  const carried = best === null ? '' : carriedText(best.report);
  if (best !== null && targets.length > 1) return `${best.name} carries most, ${carried}, ${wanted}`;
  const told = targets.length > 2 ? shortText : carriedText;
  const each = targets.map(({ name, report }) => `${name} carries ${told(report)}`);
  return `${listText(each)}, ${wanted}${targets.length > 1 ? ': which carries most is not known' : ''}`;
}

/** The one that carries more than any other by all that is known; null: there is none. */
export function bestOf(targets: readonly TargetGoodput[]): TargetGoodput | null {
  if (targets.some(({ report }) => isOfADraw(report))) return null;
  const isBest = (target: TargetGoodput): boolean => {
    const { low, isValid } = boundsOf(target.report);
    const others = targets.filter((other) => other !== target).map((other) => boundsOf(other.report));
    return (
      isValid && low !== null && others.every((other) => other.isValid && other.high !== null && other.high <= low)
    );
  };
  return targets.find(isBest) ?? null;
}

/** `28.4 requests/s`, `less than 0.00566 requests/s`, `an unknown rate`. */
function shortText(report: GoodputReport): string {
  const { low, high, rps, isValid } = boundsOf(report);
  return `${boundText(low, high, rps)}${isValid ? '' : ' (not valid)'}`;
}

function boundText(low: number | null, high: number | null, rps: number | null): string {
  if (low === null) return high === null ? 'an unknown rate' : `less than ${threeFigures(high)} requests/s`;
  if (high === null) return `at least ${threeFigures(low)} requests/s`;
  return rps === null
    ? `between ${threeFigures(low)} and ${threeFigures(high)} requests/s`
    : `${threeFigures(rps)} requests/s`;
}

/** With what it is known by: `28.4 requests/s (27.0 to 29.8, 95 %)`, `17.9 requests/s (19.5 missed)`. */
export function carriedText(report: GoodputReport): string {
  const { low, high, rps } = boundsOf(report);
  if (low === null || high === null || rps === null) return shortText(report);
  const known =
    report.of === 'trace' ? `${threeFigures(high)} missed` : `${threeFigures(low)} to ${threeFigures(high)}, 95 %`;
  return `${shortText(report)} (${known})`;
}

/** `sglang carries at least 1.02 times what vllm-v1 does: 1.02 to 1.19 by the intervals of both`. */
function ratioText({ name, report }: TargetGoodput, first: TargetGoodput): string {
  const ratio = ratioOf(report, first.report);
  if (ratio === null) {
    const why = !isAlike(report, first.report)
      ? 'they were not asked the same'
      : isOfADraw(report) || isOfADraw(first.report)
        ? "an answer is of one draw of the engine's noise, and another seed gives another"
        : 'one of them is not known from both sides';
    return `${name} carries ${carriedText(report)}, ${first.name} ${carriedText(first.report)}: no ratio, ${why}`;
  }
  const [low, high] = ratio;
  const range = `${threeFigures(low)} to ${threeFigures(high)}`;
  const by = report.of === 'trace' ? 'brackets' : 'intervals';
  if (low <= 1 && high >= 1)
    return `${name} and ${first.name} cannot be told apart: ${range} times, by the ${by} of both`;
  const bound = low > 1 ? `at least ${threeFigures(low)}` : `at most ${threeFigures(high)}`;
  return `${name} carries ${bound} times what ${first.name} does: ${range}, by the ${by} of both`;
}

function sharedNotes(targets: readonly TargetGoodput[], first: GoodputReport): string[] {
  const { of, workload, clock } = first;
  const used = targets.reduce((sum, { report }) => sum + report.requests_used, 0);
  const sent = `${countText(used, 'request')} in all, of ${workload.name}`;
  const goals = first.answers.length > 1 ? [`What else was wanted is on the page of each target`] : [];
  if (!targets.every(({ report }) => isAlike(report, first))) return [sent, ...goals];
  const isExact = clock === 'virtual' && !targets.some(({ report }) => isOfADraw(report));
  const shared =
    of === 'trace'
      ? `The same trace came to all, whole, from an empty system${isExact ? ', in virtual time: brackets are exact for it' : ''}`
      : 'The same rows came to all, as far as each search went: a ratio is known better than by intervals that take each target by itself';
  return [`${shared}. ${sent}`, ...goals];
}
