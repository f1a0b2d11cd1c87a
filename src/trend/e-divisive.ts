import { randomStream, uniform, type Random } from '../core/random.ts';

/** Nights on each side of a change, at least. */
const LEAST = 2;
const PERMUTATIONS = 199;
const LEVEL = 0.05;

/**
 * The places before which a series changes, in order: E-divisive (Matteson and James, 2014), which splits it where the
 * energy distance between both sides is largest, as long as a permutation test finds the split too good for chance. It
 * dates a change well over a whole history; whether there is one is decided by `cusumOf`.
 */
export function changePoints(given: readonly number[]): number[] {
  const values = withoutInfinity(given);
  const random = randomStream(1, 'e-divisive');
  const found: number[] = [];
  const open: (readonly [from: number, to: number])[] = [[0, values.length]];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const [from, to] = part;
    const inside = values.slice(from, to);
    const split = bestSplit(inside);
    if (split === null || !isSignificant(inside, split.energy, random)) continue;
    found.push(from + split.at);
    open.push([from, from + split.at], [from + split.at, to]);
  }
  return found.toSorted((a, b) => a - b);
}

interface Split {
  readonly at: number;
  readonly energy: number;
}

/** Where the energy distance, weighted by the sizes of both sides, is largest. Null: too few values. */
function bestSplit(values: readonly number[]): Split | null {
  const n = values.length;
  // Sums of distances: between the sides, and within each, as the border moves to the right by one value at a time.
  let [between, left, right] = [0, 0, 0];
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) right += distance(values, i, j);
  let best: Split | null = null;
  for (let at = 1; at <= n - LEAST; at++) {
    let [toLeft, toRight] = [0, 0];
    for (let j = 0; j < at - 1; j++) toLeft += distance(values, at - 1, j);
    for (let j = at; j < n; j++) toRight += distance(values, at - 1, j);
    left += toLeft;
    right -= toRight;
    between += toRight - toLeft;
    if (at < LEAST) continue;
    const [a, b] = [at, n - at];
    const energy = ((a * b) / n) * ((2 * between) / (a * b) - (2 * left) / (a * (a - 1)) - (2 * right) / (b * (b - 1)));
    if (best === null || energy > best.energy) best = { at, energy };
  }
  return best;
}

function distance(values: readonly number[], i: number, j: number): number {
  return Math.abs((values[i] ?? 0) - (values[j] ?? 0));
}

/** Whether at most a share `LEVEL` of random orders have as good a split; it stops when that is settled. */
function isSignificant(values: readonly number[], energy: number, random: Random): boolean {
  const most = LEVEL * (PERMUTATIONS + 1) - 1;
  let asGood = 0;
  for (let i = 0; i < PERMUTATIONS && asGood <= most; i++)
    if ((bestSplit(shuffled(values, random))?.energy ?? 0) >= energy) asGood++;
  return asGood <= most && energy > 0;
}

function shuffled(values: readonly number[], random: Random): number[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(uniform(random) * (i + 1));
    [out[i], out[j]] = [out[j] ?? 0, out[i] ?? 0];
  }
  return out;
}

/** Infinite values become somewhat larger than the largest, so that distances are finite. */
function withoutInfinity(values: readonly number[]): number[] {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [finite.reduce((a, b) => Math.min(a, b), 0), finite.reduce((a, b) => Math.max(a, b), 0)];
  return values.map((value) => (Number.isFinite(value) ? value : value > 0 ? high + Math.LN2 : low - Math.LN2));
}
