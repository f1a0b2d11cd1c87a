type Numbers =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/**
 * Gives the memory of arrays back, which are empty afterwards: those with a value a request, and files, are large, and V8,
 * which sees small objects only, would collect them late. No other array may share their buffers.
 */
export function release(...arrays: readonly Numbers[]): void {
  for (const { buffer } of arrays) if (!buffer.detached) buffer.transfer(0);
}
