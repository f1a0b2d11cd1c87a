import { changeBounds } from '../../reports/index.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { UserError } from '../core/errors.ts';
import type { GateVerdict } from '../core/gate.ts';
import {
  isMoreBetter,
  JUDGED_NAMES,
  type ComparedMetric,
  type Comparison,
  type FigureName,
} from '../schema/comparison.ts';

/** A condition on a comparison: that a judged figure does not change for the worse by more than so much. */
export interface CompareGate {
  readonly text: string;
  /** Null: every judged metric, by the margin of the comparison (`default`). */
  readonly name: FigureName | null;
  /** Share of base; at most this where less is better, at least this where more is. */
  readonly limit: number;
}

const CHANGE = /^([\w.]+)(>=|>|<=|<|=+)([+-]?)(\d+(?:\.\d+)?)%$/;

/** Reads `ttft.p90<=+5%`, `throughput>=-2%` or `default`. Throws a UserError for any other text. */
export function parseCompareGate(text: string): CompareGate {
  return gateOn(JUDGED_NAMES, text);
}

/** The same of a comparison of these figures. */
export function gateOn(names: readonly FigureName[], given: string): CompareGate {
  const text = given.replaceAll(/\s+/g, '');
  if (text === 'default') return { text, name: null, limit: 0 };
  const [, metric = '', operator = '', sign = '', percent = ''] = CHANGE.exec(text) ?? [];
  if (percent === '')
    throw new UserError(
      `--gate: "${given}" is no condition on a change; write e.g. ${examplesOf(names)}, or default (a figure itself is gated by \`reprise run\`)`,
    );
  const name = names.find((each) => each === metric);
  if (name === undefined) throw new UserError(`--gate: "${metric}" is not judged here${didYouMean(metric, names)}`);
  const [right, example] = isMoreBetter(name) ? ['>=', '-2%'] : ['<=', '+5%'];
  if (operator !== right)
    throw new UserError(
      `--gate: "${text}": ${isMoreBetter(name) ? 'more' : 'less'} of ${name} is better, so that it is gated by ${right}, e.g. ${name}${right}${example}`,
    );
  if (isMoreBetter(name) && sign === '' && Number(percent) > 0)
    throw new UserError(
      `--gate: "${text}": is a change of ${name} meant, or ${name} itself? write ${name}>=+${percent}% for a change; the figure itself is gated by \`reprise run\``,
    );
  const limit = Number(`${sign}${percent}`) / 100;
  if (limit <= -1)
    throw new UserError(
      `--gate: "${text}": no figure falls by 100 % or more, so that this ${isMoreBetter(name) ? 'always holds' : 'never holds'}; write e.g. ${name}${right}${example}`,
    );
  return { text, name, limit };
}

function examplesOf(names: readonly FigureName[]): string {
  const less = names.filter((name) => !isMoreBetter(name)).slice(0, 1);
  const more = names.filter(isMoreBetter).slice(0, 1);
  return [...less.map((name) => `${name}<=+5%`), ...more.map((name) => `${name}>=-2%`)].join(', ');
}

export interface JudgedCompareGate {
  readonly gate: CompareGate;
  readonly verdict: GateVerdict;
  /** A sentence without its full stop. */
  readonly why: string;
  /** Undecided by what makes the runs doubtful, rather than by their spread. */
  readonly isBlocked: boolean;
}

/** What an undecided gate counts as (`--undecided`). By runs that cannot be believed none passes. */
export function countedVerdict(
  { verdict, isBlocked }: Pick<JudgedCompareGate, 'verdict' | 'isBlocked'>,
  undecided: 'fail' | 'pass' | undefined,
): GateVerdict {
  if (verdict !== 'undecided') return verdict;
  if (undecided === 'fail') return 'missed';
  return undecided === 'pass' && !isBlocked ? 'held' : 'undecided';
}

/** Judges a gate; nothing passes, and nothing fails, by runs that cannot be believed, or one run that stands for a system. */
export function judgeCompareGate(gate: CompareGate, comparison: Comparison): JudgedCompareGate {
  const blocking = comparison.doubts.find(({ blocks }) => blocks);
  if (blocking !== undefined) return { gate, verdict: 'undecided', why: blocking.text, isBlocked: true };
  const judged = comparison.metrics.filter(({ name }) => gate.name === null || name === gate.name);
  if (judged.length === 0)
    return { gate, verdict: 'undecided', why: `the runs have no ${gate.name ?? 'judged metric'}`, isBlocked: false };
  const limit = (metric: ComparedMetric): number =>
    gate.name === null ? (metric.more_is_better ? 1 / (1 + comparison.margin) - 1 : comparison.margin) : gate.limit;
  const each = judged.map((metric) => ({ metric, verdict: verdictOn(metric, limit(metric), gate.name === null) }));
  for (const verdict of ['missed', 'undecided', 'held'] as const) {
    const some = each.filter((one) => one.verdict === verdict);
    if (some.length > 0)
      return { gate, verdict, why: some.map(({ metric }) => changeText(metric)).join(', '), isBlocked: false };
  }
  throw new Error('a gate has no metric');
}

/** By the one-sided 95 % interval of the change; where a family is judged, a failure needs the verdict of the family. */
function verdictOn(metric: ComparedMetric, limit: number, isFamily: boolean): GateVerdict {
  const { bounds95, verdict, more_is_better: moreIsBetter } = metric;
  if (verdict === 'provisional') return 'undecided';
  if (bounds95 === null) return outright(verdict, limit);
  const [low, high] = bounds95;
  const [isHeld, isMissed] = moreIsBetter ? [low >= limit, high < limit] : [high <= limit, low > limit];
  if (isFamily ? verdict === 'worse' : isMissed) return 'missed';
  return isHeld ? 'held' : 'undecided';
}

/** Of a figure that has no change as a number: it fails, or is zero, on a side; same: it is zero in every run. */
function outright(verdict: ComparedMetric['verdict'], limit: number): GateVerdict {
  if (verdict === 'same') return limit > 0 ? 'missed' : 'held';
  return verdict === 'better' ? 'held' : verdict === 'worse' ? 'missed' : 'undecided';
}

function changeText({ name, change, bounds95, why }: ComparedMetric): string {
  return change === null ? `${name}: ${why ?? 'not known'}` : `${name} ${changeBounds(change, bounds95)}`;
}
