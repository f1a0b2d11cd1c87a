type IsKept = (value: number, index: number) => boolean;

/**
 * Moves the values of a column that are kept to its front, in their order, and returns that front, in the same memory.
 * `filter` of a typed array makes a list of them first, which takes more memory than the column.
 */
export function keepOnly(column: Float64Array<ArrayBuffer>, isKept: IsKept): Float64Array<ArrayBuffer>;
export function keepOnly(column: Uint32Array<ArrayBuffer>, isKept: IsKept): Uint32Array<ArrayBuffer>;
export function keepOnly(column: Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, isKept: IsKept) {
  let kept = 0;
  for (let i = 0; i < column.length; i++) {
    const value = column[i] ?? 0;
    if (isKept(value, i)) column[kept++] = value;
  }
  return column.subarray(0, kept);
}
