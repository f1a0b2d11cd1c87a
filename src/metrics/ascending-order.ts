import { release } from '../core/release.ts';

/**
 * The places of the values in ascending order; where those of the first column are equal the next column decides, and in
 * the end the place. No value is NaN. Sorted in 4 bytes a value, where `sort` with a function takes 16.
 */
export function ascendingOrder(...columns: readonly Float64Array[]): Uint32Array<ArrayBuffer> {
  const n = columns[0]?.length ?? 0;
  let order = new Uint32Array(n).map((_, i) => i);
  let merged = new Uint32Array(n);
  for (let width = 1; width < n; width *= 2) {
    for (let from = 0; from < n; from += 2 * width)
      merge(columns, order, merged, [from, Math.min(n, from + width), Math.min(n, from + 2 * width)]);
    [order, merged] = [merged, order];
  }
  release(merged);
  return order;
}

/** Two neighbouring runs of places, each in order, into one. */
function merge(
  columns: readonly Float64Array[],
  from: Uint32Array,
  into: Uint32Array,
  [start, middle, end]: readonly [start: number, middle: number, end: number],
): void {
  // Times come nearly in order.
  if (middle >= end || !isAfter(columns, from[middle - 1] ?? 0, from[middle] ?? 0)) {
    into.set(from.subarray(start, end), start);
    return;
  }
  let [left, right] = [start, middle];
  for (let at = start; at < end; at++) {
    const takesLeft = right >= end || (left < middle && !isAfter(columns, from[left] ?? 0, from[right] ?? 0));
    into[at] = from[takesLeft ? left++ : right++] ?? 0;
  }
}

function isAfter(columns: readonly Float64Array[], a: number, b: number): boolean {
  for (const column of columns) {
    const [first, second] = [column[a] ?? 0, column[b] ?? 0];
    if (first !== second) return first > second;
  }
  return false;
}
