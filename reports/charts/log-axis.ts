/** Labels of an axis in milliseconds, each in the unit that fits. A Vega expression. */
export const MS_LABEL =
  "datum.value < 1 ? format(datum.value * 1000, '~r') + ' us' : datum.value < 1000 ? format(datum.value, '~r') + ' ms' : format(datum.value / 1000, ',~r') + ' s'";

/** Marked values lie within this part of the axis, so that the text beside them has room. */
const ROOM = { from: 0.3, to: 0.7 };

/**
 * A logarithmic domain that holds all `values`, with room for text on both sides of each of `centred`. A log axis
 * has no place for values of 0: they are drawn at its start.
 */
export function logDomain(values: readonly number[], centred: readonly number[]): [number, number] {
  const positive = [...values, ...centred].filter((value) => value > 0);
  let low = Math.log10(positive.length === 0 ? 1 : Math.min(...positive)) - 0.03;
  let high = Math.log10(positive.length === 0 ? 100 : Math.max(...positive)) + 0.03;
  if (high - low < 0.5) {
    const middle = (low + high) / 2;
    [low, high] = [middle - 0.25, middle + 0.25];
  }
  for (const value of centred.filter((each) => each > 0)) {
    const at = Math.log10(value);
    low = Math.min(low, (at - ROOM.from * high) / (1 - ROOM.from));
    high = Math.max(high, low + (at - low) / ROOM.to);
  }
  return [10 ** low, 10 ** high];
}

/** Ticks in a decade, for domains of fewer than so many decades. */
const STEPS: readonly (readonly [number, readonly number[]])[] = [
  [0.7, [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]],
  [1.2, [1, 1.5, 2, 3, 5, 7]],
  [2.2, [1, 2, 5]],
  [3.5, [1, 3]],
];

/** Round numbers of each decade; fewer where the domain spans many. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Math.log10(high / low);
  const [, steps = [1]] = STEPS.find(([upTo]) => decades < upTo) ?? [];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of steps) {
      const tick = Number(`${step}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  return ticks;
}
