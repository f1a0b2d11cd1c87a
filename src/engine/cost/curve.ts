/** Time over tokens: straight lines between measured points, flat below the first, `slope` beyond the last. */
export interface Curve {
  /** Ascending, at least one. */
  readonly tokens: readonly number[];
  readonly ms: readonly number[];
  /** Milliseconds a token beyond the last point; never below zero. */
  readonly slope: number;
}

export interface CurvePoint {
  readonly tokens: number;
  readonly ms: number;
}

/** A curve through `points`, sorted by tokens, each number of tokens once. */
export function curveThrough(points: readonly CurvePoint[]): Curve {
  return { tokens: points.map((point) => point.tokens), ms: points.map((point) => point.ms), slope: lastSlope(points) };
}

export function msAt({ tokens, ms, slope }: Curve, at: number): number {
  const above = firstAbove(tokens, at);
  const high = ms[above];
  const low = ms[above - 1];
  if (low === undefined) return high ?? 0;
  const from = tokens[above - 1] ?? 0;
  if (high === undefined) return low + (at - from) * slope;
  return low + ((at - from) / ((tokens[above] ?? 0) - from)) * (high - low);
}

/** Position of the first of ascending `values` above `value`; their count if there is none. */
export function firstAbove(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** From half of the last point's tokens on: closer neighbours show more noise than slope. */
function lastSlope(points: readonly CurvePoint[]): number {
  const last = points.at(-1);
  if (last === undefined || points.length < 2) return 0;
  const from = points.findLast((point) => point.tokens <= last.tokens / 2) ?? points[0] ?? last;
  return Math.max(0, (last.ms - from.ms) / (last.tokens - from.tokens));
}
