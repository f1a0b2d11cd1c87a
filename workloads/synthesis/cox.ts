import type { Step } from './time-change.ts';

/** Bins this long, and twice as long until there are no more of them than this. */
const SHORTEST_S = 0.1;
const MOST_BINS = 2 ** 22;

/** Arrivals counted in bins from the first of them on; the last bin ends with the last arrival. */
interface Bins {
  readonly counts: Float64Array<ArrayBuffer>;
  readonly lengthsS: Float64Array<ArrayBuffer>;
}

/** The rate of a Cox process, from the first arrival to the last. */
export interface FittedRate {
  readonly binS: number;
  /** They expect as many arrivals as there were. */
  readonly steps: readonly Step[];
}

/**
 * The rate over time of arrivals (whole microseconds from the first, in order, not all at one time). Counts of a bin vary
 * by chance even where the rate does not: that part of their variance is taken out, at every scale (`withoutChance`). So
 * bins can be short and nothing is fitted to chance, and no length of bins has to be chosen.
 */
export function fitRate(dueUs: Float64Array): FittedRate {
  const durationS = (dueUs.at(-1) ?? 0) / 1e6;
  let binS = SHORTEST_S;
  while (durationS / binS > MOST_BINS) binS *= 2;
  const bins = binsOf(dueUs, binS, durationS);
  const expected = withoutChance(bins);
  return {
    binS,
    steps: Array.from(bins.lengthsS, (lengthS, i) => ({ lengthS, rate: (expected[i] ?? 0) / lengthS })),
  };
}

function binsOf(dueUs: Float64Array, binS: number, durationS: number): Bins {
  const counts = new Float64Array(Math.max(1, Math.ceil(durationS / binS)));
  for (const us of dueUs) {
    const bin = Math.min(counts.length - 1, Math.floor(us / 1e6 / binS));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { counts, lengthsS: counts.map((_, i) => Math.min(binS, durationS - i * binS)) };
}

/**
 * How many arrivals bins expect whose counts are these. Bins are halves of pairs, pairs of pairs, and so on. How halves
 * differ beyond their lengths is scaled down, in all pairs of one size by one factor: the squares of what is left sum to
 * what the squares of the counts sum to beyond a Poisson process of constant rate. So arrivals that are drawn from these
 * rates have counts that vary as much as the trace's, at every scale. No bin becomes negative, and the sum stays.
 */
function withoutChance(bins: Bins): Float64Array<ArrayBuffer> {
  const sizes = [bins];
  for (let last = bins; last.counts.length > 1;) sizes.push((last = pairsOf(last)));
  let expected = Float64Array.of(sumOf(bins.counts));
  for (const halves of sizes.toReversed().slice(1)) expected = splitPairs(expected, halves);
  return expected;
}

function pairsOf({ counts, lengthsS }: Bins): Bins {
  return { counts: inPairs(counts), lengthsS: inPairs(lengthsS) };
}

function inPairs(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return new Float64Array(Math.ceil(numbers.length / 2)).map(
    (_, i) => (numbers[2 * i] ?? 0) + (numbers[2 * i + 1] ?? 0),
  );
}

function splitPairs(expected: Float64Array<ArrayBuffer>, { counts, lengthsS }: Bins): Float64Array<ArrayBuffer> {
  const halves = new Float64Array(counts.length);
  const pairs = Array.from(expected, (_, i) => {
    const [one, other] = [counts[2 * i] ?? 0, counts[2 * i + 1] ?? 0];
    const [oneS, otherS] = [lengthsS[2 * i] ?? 0, lengthsS[2 * i + 1] ?? 0];
    return { all: one + other, one, byLength: oneS / (oneS + otherS) };
  });
  let [squares, chance] = [0, 0];
  for (const { all, one, byLength } of pairs) {
    squares += (one - all * byLength) ** 2;
    chance += all * byLength * (1 - byLength);
  }
  const kept = squares > chance ? Math.sqrt((squares - chance) / squares) : 0;
  for (const [i, { all, one, byLength }] of pairs.entries()) {
    const share = all === 0 ? byLength : byLength + kept * (one / all - byLength);
    halves[2 * i] = (expected[i] ?? 0) * share;
    if (2 * i + 1 < halves.length) halves[2 * i + 1] = (expected[i] ?? 0) * (1 - share);
  }
  return halves;
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
