import { curveThrough, firstAbove, msAt, type Curve, type CurvePoint } from './curve.ts';

/** A measured time of one phase: `tokens` in all, in `sequences` requests. */
export interface SurfacePoint extends CurvePoint {
  readonly sequences: number;
}

/** Time over tokens and sequences: a curve for each measured number of sequences. */
export interface Surface {
  /** Ascending, at least one. */
  readonly sequences: readonly number[];
  readonly curves: readonly Curve[];
  /** Position from which the slope beyond the last curve is taken: half as many sequences. */
  readonly slopeFrom: number;
}

/**
 * A surface through every point. Measurements seldom fill the grid: most vary tokens for one request, and requests for
 * one length. So a number of sequences with a single point takes the shape of the curve with most points, scaled to go
 * through it; and so does every curve below its first point. If no number of sequences has two points, the shape is a
 * curve over tokens alone.
 */
export function surfaceThrough(points: readonly SurfacePoint[]): Surface {
  const sorted = [...points].sort((a, b) => a.sequences - b.sequences || a.tokens - b.tokens);
  const rows = [...Map.groupBy(sorted, (point) => point.sequences)];
  let richest: readonly SurfacePoint[] = [];
  for (const [, row] of rows) if (row.length > richest.length) richest = row;
  const shape = curveThrough(richest.length > 1 ? richest : byTokens(sorted));
  const sequences = rows.map(([count]) => count);
  const last = sequences.at(-1) ?? 0;
  return {
    sequences,
    curves: rows.map(([, row]) => curveOf(row, shape)),
    slopeFrom: Math.max(0, firstAbove(sequences, last / 2) - 1),
  };
}

/** Linear between numbers of sequences too; flat below the fewest, beyond the most with the last slope. */
export function surfaceMs({ sequences, curves, slopeFrom }: Surface, tokens: number, count: number): number {
  const above = firstAbove(sequences, count);
  const low = curves[above - 1];
  const high = curves[above];
  if (low === undefined) return high === undefined ? 0 : msAt(high, tokens);
  const lowMs = msAt(low, tokens);
  const from = sequences[above - 1] ?? 0;
  if (high !== undefined)
    return lowMs + ((count - from) / ((sequences[above] ?? 0) - from)) * (msAt(high, tokens) - lowMs);
  const before = curves[slopeFrom];
  if (before === undefined || before === low) return lowMs;
  const slope = (lowMs - msAt(before, tokens)) / (from - (sequences[slopeFrom] ?? 0));
  return lowMs + (count - from) * Math.max(0, slope);
}

function curveOf(row: readonly SurfacePoint[], shape: Curve): Curve {
  const [first, last] = [row[0], row.at(-1)];
  if (first === undefined || last === undefined) return shape;
  const scaled = (scale: number, within: (tokens: number) => boolean): CurvePoint[] =>
    shape.tokens.flatMap((tokens, i) => (within(tokens) ? [{ tokens, ms: (shape.ms[i] ?? 0) * scale }] : []));
  const scale = first.ms / msAt(shape, first.tokens);
  const below = scaled(scale, (tokens) => tokens < first.tokens);
  if (row.length > 1) return { ...curveThrough([...below, ...row]), slope: curveThrough(row).slope };
  const beyond = scaled(scale, (tokens) => tokens > first.tokens);
  return { ...curveThrough([...below, first, ...beyond]), slope: shape.slope * scale };
}

/** The mean of the points of each number of tokens. */
function byTokens(points: readonly SurfacePoint[]): CurvePoint[] {
  const groups = Map.groupBy(points, (point) => point.tokens);
  return [...groups]
    .map(([tokens, group]) => ({ tokens, ms: group.reduce((sum, { ms }) => sum + ms, 0) / group.length }))
    .sort((a, b) => a.tokens - b.tokens);
}
