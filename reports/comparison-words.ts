import { formatMs, formatShare, plainPercent, threeFigures } from '../src/core/units.ts';
import {
  isGoodput,
  isMoreBetter,
  type ComparedMetric,
  type Comparison,
  type FigureName,
  type JudgedName,
} from '../src/schema/comparison.ts';

/** A verdict in colour, shape and word. */
export const VERDICT_MARKS = {
  better: { tone: 'met', glyph: '▲' },
  worse: { tone: 'missed', glyph: '▼' },
  same: { tone: 'none', glyph: '=' },
  undecided: { tone: 'unsure', glyph: '≈' },
  provisional: { tone: 'unsure', glyph: '?' },
} as const;

const JUDGED_LABELS: Readonly<Record<JudgedName, string>> = {
  attainment: 'attainment',
  'ttft.p50': 'TTFT p50',
  'ttft.p90': 'TTFT p90',
  'ttft.p99': 'TTFT p99',
  'tpot.p50': 'TPOT p50',
  'tpot.p90': 'TPOT p90',
  'tpot.p99': 'TPOT p99',
  'e2e.p50': 'E2E p50',
  throughput: 'output tokens/s',
};

/** `TTFT p50`; `goodput`, and at a further share `goodput at 99 %`. */
export function metricLabel(name: FigureName): string {
  if (!isGoodput(name)) return JUDGED_LABELS[name];
  return name === 'goodput' ? name : `goodput at ${plainPercent(Number(name.slice('goodput.at'.length)))} %`;
}

/** The answer, in a sentence. */
export function comparisonSentence(comparison: Comparison): string {
  const said = sentenceOf(comparison);
  return isBlocked(comparison) ? `Not to be believed (!). By these runs: ${said}` : said;
}

/** The mark of the answer: a doubt that blocks leaves it open, whatever the figures say. */
export function comparisonMark(comparison: Comparison): (typeof VERDICT_MARKS)[keyof typeof VERDICT_MARKS] {
  return VERDICT_MARKS[isBlocked(comparison) ? 'undecided' : comparison.verdict];
}

function isBlocked({ doubts }: Comparison): boolean {
  return doubts.some(({ blocks }) => blocks);
}

/** By the verdicts on the metrics: that on the comparison claims nothing where a doubt blocks. */
function sentenceOf({ metrics, margin, base, new: now, provisional }: Comparison): string {
  const named = (which: ComparedMetric['verdict']): string =>
    metrics
      .filter((metric) => metric.verdict === which)
      .map((metric) => `${metricLabel(metric.name)} ${changeText(metric)}`)
      .join(', ');
  const [worse, better] = [named('worse'), named('better')];
  if (worse !== '') return `Worse: ${worse}${better === '' ? '' : `; better: ${better}`}`;
  if (better !== '') return `Better: ${better}`;
  if (metrics.some((metric) => metric.verdict === 'provisional'))
    return metrics.some(({ name }) => isGoodput(name))
      ? 'Provisional: one search of each, and nothing is known of how searches vary'
      : `Provisional: ${countText(base.runs.length)} of base and ${countText(now.runs.length)} of new; repeat each (reprise ab)`;
  if (metrics.length === 0) return 'Undecided: no figure is judged, for the runs have none in common';
  return metrics.every((metric) => metric.verdict === 'same')
    ? `The same: every judged metric within ± ${plainPercent(margin)} %`
    : `Undecided: ${provisional ? 'one run stands for a system' : 'these runs cannot tell'}`;
}

function countText(runs: number): string {
  return runs === 1 ? 'one run' : `${runs} runs`;
}

export function changeText({ change, ci95, why }: ComparedMetric): string {
  return change === null ? (why ?? '-') : changeRange(change, ci95);
}

/** `+5.1 % (+4.0 % to +6.2 %)`; without the interval where runs repeat exactly, or there is none. */
function changeRange(change: number, interval: readonly [low: number, high: number] | null): string {
  if (interval === null || interval[0] === interval[1]) return signed(change);
  return `${signed(change)} (${interval.map(boundText).join(' to ')})`;
}

/** `+5.1 % (at least +4.2 %, at most +6.0 %, each at 95 %)`: the bounds of a gate, each by itself. */
export function changeBounds(change: number, bounds: readonly [low: number, high: number] | null): string {
  if (bounds === null || bounds[0] === bounds[1]) return signed(change);
  const [low, high] = bounds;
  return `${signed(change)} (at least ${boundText(low)}, at most ${boundText(high)}, each at 95 %)`;
}

/** Bounds beyond this say no more than that nothing is known. */
const FARTHEST = 10;

function boundText(share: number): string {
  return share > FARTHEST ? `over +${100 * FARTHEST} %` : signed(share);
}

/** `+5.1 %`, `-0.02 %`; what rounds to nothing is `0 %`. */
export function signed(share: number): string {
  const text = formatShare(Math.abs(share));
  return /^[0.]+ %$/.test(text) ? '0 %' : `${share < 0 ? '-' : '+'}${text}`;
}

export function valueText(name: FigureName, value: number | null): string {
  if (value === null) return 'fails';
  if (name === 'attainment') return formatShare(value);
  if (isGoodput(name)) return value === 0 ? 'none' : `${threeFigures(value)} requests/s`;
  return name === 'throughput' ? threeFigures(value) : formatMs(value);
}

export const COMPARISON_COLUMNS = ['', 'base', 'new', 'change (95 %)', '', 'smallest found', 'runs to decide'] as const;

export function comparisonRow(metric: ComparedMetric): string[] {
  const { name, base, new: now, verdict, smallest_effect, repeats_to_decide } = metric;
  return [
    metricLabel(name),
    valueText(name, base),
    valueText(name, now),
    changeText(metric),
    `${VERDICT_MARKS[verdict].glyph} ${verdict}`,
    smallest_effect === null ? '-' : effectText(smallest_effect),
    verdict !== 'undecided' || repeats_to_decide === null
      ? '-'
      : repeats_to_decide > 100
        ? 'over 100'
        : String(repeats_to_decide),
  ];
}

function effectText(share: number): string {
  return share > FARTHEST ? `over ± ${100 * FARTHEST} %` : `± ${formatShare(share)}`;
}

/** How it was decided, in sentences without full stops. */
export function comparisonNotes({ order, base, new: now, margin, metrics, provisional }: Comparison): string[] {
  const how = {
    paired: `the i-th run of base beside the i-th of new: a t test on ${base.runs.length} differences, which a drift of the machine does not touch`,
    separate: `${base.runs.length} and ${now.runs.length} runs, not in turn: Welch's t test, which a drift of the machine can deceive`,
    nights: 'one run against the level of earlier nights, by how these spread: a t test',
    exact: 'one run of each: in virtual time without noise they repeat to the bit, so that what differs is the system',
  }[order];
  const hasFailed = metrics.some(({ name, base: a, new: b }) => !isMoreBetter(name) && (a === null || b === null));
  return [
    provisional ? 'One run stands for a system: what differs may be the noise between two starts' : `Decided by ${how}`,
    `Changes up to ± ${plainPercent(margin)} % are the same; Holm's adjustment over the judged metrics`,
    ...(hasFailed ? ['A quantile fails where requests that failed, which are infinitely late, reach into it'] : []),
  ];
}

/** Doubts that are said, and letters of a text of the runs: these may be many, and named anything. */
const DOUBTS = 20;
const LETTERS = 1000;

/** The texts of the first doubts, and how many more there are. */
export function shownDoubts({ doubts }: Comparison): string[] {
  const more = doubts.length - DOUBTS;
  const shown = doubts.slice(0, DOUBTS).map(({ text }) => shortened(text));
  return more > 0 ? [...shown, `${more} more like these`] : shown;
}

export function shortened(text: string): string {
  const letters = Array.from(text);
  return letters.length <= LETTERS ? text : `${letters.slice(0, LETTERS).join('')} ...`;
}
