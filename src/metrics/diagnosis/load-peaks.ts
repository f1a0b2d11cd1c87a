import type { Course } from './course.ts';
import type { CourseBin } from './course-bins.ts';
import { isIn, seconds, type Span, total } from './spans.ts';

/** So many times as much comes in a peak as on average... */
const MORE_LOAD = 1.25;
/** ... beyond what chance brings together: deviations of a Poisson count, of tokens with the spread of their lengths. */
const DEVIATIONS = 5;
const LENGTH_SPREAD = 1.5;

/** Times in which more came than on average, next to the times of misses that they explain. */
export interface LoadPeaks {
  readonly spans: readonly Span[];
  /** Of the spans that were asked for, those that a peak touches. */
  readonly explains: readonly Span[];
  readonly noun: 'requests' | 'prompt tokens';
  /** A second, in the peaks. */
  readonly during: number;
  /** `during` over the mean of the run. */
  readonly times: number;
}

type Count = 'due' | 'prompt_tokens';

/** The load that came in some spans or shortly before them, where it is a peak; null where it is not. */
export function loadPeaks({ bins }: Course, spans: readonly Span[]): LoadPeaks | null {
  const of = (count: Count, noun: LoadPeaks['noun'], spread: number): LoadPeaks | null => {
    const highs = spans.map((span) => highest(bins, span, count, spread));
    const explains = spans.filter((_, i) => highs[i] !== null);
    const peaks = merged(highs.flatMap((high) => high ?? []));
    if (explains.length === 0) return null;
    const within = bins.filter((bin) => isIn(peaks, bin));
    const during = total(within, count) / seconds(within);
    return { spans: peaks, explains, noun, during, times: during / (total(bins, count) / seconds(bins)) };
  };
  const [requests, tokens] = [of('due', 'requests', 1), of('prompt_tokens', 'prompt tokens', LENGTH_SPREAD)];
  if (requests === null || tokens === null) return requests ?? tokens;
  if (tokens.explains.length !== requests.explains.length)
    return tokens.explains.length > requests.explains.length ? tokens : requests;
  return tokens.times > 1.1 * requests.times ? tokens : requests;
}

/** Of all stretches of bins that touch the span, or the time as long before it, the one that chance explains least. */
function highest(bins: readonly CourseBin[], span: Span, count: Count, spread: number): Span | null {
  const length = span.to_s - span.from_s;
  const near = bins.filter(({ from_s, to_s }) => to_s > span.from_s - length && from_s < span.to_s);
  const [mean, requestsPerS] = [total(bins, count) / seconds(bins), total(bins, 'due') / seconds(bins)];
  let best: { readonly span: Span; readonly deviations: number } | null = null;
  for (const [i, { from_s }] of near.entries()) {
    let sum = 0;
    for (const bin of near.slice(i)) {
      sum += bin[count];
      const time = bin.to_s - from_s;
      const deviations = ((sum / (mean * time) - 1) * Math.sqrt(requestsPerS * time)) / spread;
      if (deviations > (best?.deviations ?? 0) && sum >= MORE_LOAD * mean * time)
        best = { span: { from_s, to_s: bin.to_s }, deviations };
    }
  }
  return best !== null && best.deviations >= DEVIATIONS ? best.span : null;
}

function merged(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from_s - b.from_s)) {
    const last = all.at(-1);
    if (last === undefined || span.from_s > last.to_s) all.push(span);
    else all.splice(-1, 1, { from_s: last.from_s, to_s: Math.max(last.to_s, span.to_s) });
  }
  return all;
}
