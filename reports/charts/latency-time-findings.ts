import { axisTimeText, formatMs, threeFigures } from '../../src/core/units.ts';
import type { LatencyBin, LatencyTimeline, TimedLatency } from '../data/latency-timeline.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { afterText, durationTexts } from '../format.ts';
import { durationS } from './time-panel.ts';

/** The title goes by bins of at least so many requests, at least so many of them. */
const ENOUGH = 10;
const ENOUGH_BINS = 3;
/** A latency rises, or has a peak, when it is at least this many times what it was, or is in the median bin. */
const RISES = 1.5;
/** A peak is more than chance when so many more of its requests are slow than in a bin like any other: requests, and deviations of a count. */
const ENOUGH_SLOW = 5;
const DEVIATIONS = 4;
/** A rise ends high: the median of so many last bins is nearly as high as the peak. */
const LAST_BINS = 3;
const NEARLY = 1.25;

/** What requests slower than most are counted in, and which percentile they move. */
type Slow = 'slower_half' | 'slowest_tenth';
type Percentile = 'p50' | LatencyTimeline['tail'];

/** Where more than half of the requests fail, a rise or a peak of p50 or of the tail; else the range of p50. */
export function latencyTitle(metric: TimedLatency, line: LatencyTimeline): string {
  const { bins, tail } = line;
  const known = bins.filter(({ count, failed }) => count + failed >= ENOUGH);
  const name = METRIC_NAMES[metric];
  if (known.length < ENOUGH_BINS) return `${name} by due time`;
  const course = { known, name, endS: durationS(bins) };
  return (
    failingTitle(course) ??
    peakTitle(course, 'p50', 'slower_half') ??
    peakTitle(course, tail, 'slowest_tenth') ??
    rangeTitle(course)
  );
}

interface Course {
  /** Bins of enough requests. */
  readonly known: readonly LatencyBin[];
  readonly name: string;
  readonly endS: number;
}

/** Null unless more than half of the requests of some bin fail. */
function failingTitle({ known, name, endS }: Course): string | null {
  const first = known.findIndex(({ p50_ms }) => p50_ms === null);
  const bin = known[first];
  if (bin === undefined) return null;
  const others = known.filter(({ p50_ms }) => p50_ms !== null);
  if (others.length === 0) return 'More than half of the requests fail all the time';
  const isToEnd = known.slice(first).every(({ p50_ms }) => p50_ms === null);
  const after = axisTimeText(bin.from_s, endS);
  const before = known.slice(0, first).map(({ p50_ms }) => p50_ms ?? 0);
  const [from, to] = [before[0], Math.max(...before)];
  const failing = isToEnd
    ? `from ${after} on, more than half fail`
    : `more than half fail at times, first ${afterText(bin.from_s, endS)}`;
  if (from === undefined || to < RISES * from || !isMore(known, bin, 'slower_half'))
    return `${failing.charAt(0).toUpperCase()}${failing.slice(1)}`;
  return `${name} p50 rises from ${durationTexts([from, to]).join(' to ')}; ${failing}`;
}

/** Null unless a percentile is higher in one bin than in most, and by more than chance. */
function peakTitle({ known, name, endS }: Course, percentile: Percentile, slow: Slow): string | null {
  const valueOf = (bin: LatencyBin): number => bin[`${percentile}_ms`] ?? Infinity;
  const peak = known.reduce((most, bin) => (valueOf(bin) > valueOf(most) ? bin : most));
  const values = known.map(valueOf);
  const [first = 0, high] = [values[0], valueOf(peak)];
  const [middle, end] = [median(values), median(values.slice(-LAST_BINS))];
  if (high === Infinity || !isMore(known, peak, slow)) return null;
  const when = afterText(peak.from_s, endS);
  if (end * NEARLY >= high && high >= RISES * first)
    return `${name} ${percentile} rises from ${durationTexts([first, high]).join(' to ')} ${when}`;
  return high < RISES * middle
    ? null
    : `${name} ${percentile} peaks at ${formatMs(high)} ${when}, ${threeFigures(high / middle)} times the median bin's`;
}

/** Without a rise or a peak. */
function rangeTitle({ known, name }: Course): string {
  const values = known.map(({ p50_ms }) => p50_ms ?? Infinity);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [from, to] = durationTexts([low, high]);
  if (from === to) return `${name} p50 stays at ${from}`;
  return `${name} p50 ${high < RISES * low ? 'stays' : 'lies'} between ${from} and ${to}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Whether more of the bin's requests are slow than chance brings together. */
function isMore(known: readonly LatencyBin[], bin: LatencyBin, slow: Slow): boolean {
  const total = known.reduce((sum, { count, failed }) => sum + count + failed, 0);
  const share = known.reduce((sum, each) => sum + each[slow], 0) / total;
  const requests = bin.count + bin.failed;
  const more = bin[slow] - requests * share;
  return more >= ENOUGH_SLOW && more >= DEVIATIONS * Math.sqrt(requests * share * (1 - share));
}
