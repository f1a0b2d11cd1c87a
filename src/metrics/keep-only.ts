/**
 * Moves the values of a column that are kept to its front, in their order; returns how many there are. `filter` of a typed
 * array makes a list of them first, which takes more memory than the column.
 */
export function keepOnly(
  column: Float64Array | Uint32Array,
  isKept: (value: number, index: number) => boolean,
): number {
  let kept = 0;
  for (let i = 0; i < column.length; i++) {
    const value = column[i] ?? 0;
    if (isKept(value, i)) column[kept++] = value;
  }
  return kept;
}
