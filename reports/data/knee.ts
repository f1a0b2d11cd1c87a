/** An attainment that was measured to its end. */
export interface AttainmentPoint {
  readonly rateRps: number;
  readonly share: number;
  /** Requests behind it. */
  readonly requests: number;
}

/** With fewer rates a bend is a matter of which were tried. */
export const KNEE_RATES = 5;
/** An attainment that falls by less, or along a straight line, has no knee. */
const LEAST_FALL = 0.1;
const LEAST_BEND = 0.1;
/** Points that lie hardly less high above the line are the knee as well. */
const ALIKE = 0.05;

/** The lowest and the highest rate of a knee, in requests/s. */
export type Knee = readonly [number, number];

/**
 * The rate from which the attainment falls away: where it lies highest above the straight line from its first to its last
 * point in ln rate, both made 1 long (Kneedle of Satopaa et al.), after neighbours that rise are pooled; from the first to
 * the last of the points that lie as high but for 0.05. Null without `KNEE_RATES` different rates, and where the attainment falls by less than 0.1 or bends by less than 0.1 of its fall.
 */
export function kneeOf(points: readonly AttainmentPoint[]): Knee | null {
  const falling = withoutRises(atEachRate(points));
  const [first, last] = [falling[0], falling.at(-1)];
  if (first === undefined || last === undefined || falling.length < KNEE_RATES) return null;
  const fall = first.share - last.share;
  if (fall < LEAST_FALL) return null;
  const span = Math.log(last.rateRps / first.rateRps);
  const bends = falling.map(({ rateRps, share }) => ({
    rateRps,
    bend: (share - last.share) / fall - 1 + Math.log(rateRps / first.rateRps) / span,
  }));
  const most = Math.max(...bends.map(({ bend }) => bend));
  const [from, ...others] = bends.filter(({ bend }) => bend >= most - ALIKE).map(({ rateRps }) => rateRps);
  return most < LEAST_BEND || from === undefined ? null : [from, others.at(-1) ?? from];
}

/** One point a rate, in order of rate. */
function atEachRate(points: readonly AttainmentPoint[]): AttainmentPoint[] {
  const rates = Map.groupBy(points, ({ rateRps }) => rateRps);
  return [...rates.values()].map(mean).toSorted((a, b) => a.rateRps - b.rateRps);
}

/** The nearest attainments that never rise with the rate (pool adjacent violators). */
function withoutRises(points: readonly AttainmentPoint[]): AttainmentPoint[] {
  const blocks: AttainmentPoint[][] = [];
  for (const point of points) {
    let block = [point];
    for (let before = blocks.at(-1); before !== undefined; before = blocks.at(-1)) {
      if (mean(before).share >= mean(block).share) break;
      block = [...before, ...block];
      blocks.pop();
    }
    blocks.push(block);
  }
  return blocks.flatMap((block) => block.map((point) => ({ ...point, share: mean(block).share })));
}

/** Of points of one rate, or of one share. */
function mean(points: readonly AttainmentPoint[]): AttainmentPoint {
  const requests = points.reduce((sum, each) => sum + each.requests, 0);
  const met = points.reduce((sum, each) => sum + each.share * each.requests, 0);
  return { rateRps: points[0]?.rateRps ?? 0, share: met / requests, requests };
}
