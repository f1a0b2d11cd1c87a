/** The last three digits of a number. */
const ENDS = Array.from({ length: 1000 }, (_, end) => String(end).padStart(3, '0'));

/**
 * The name of a request that its trace gives none: `r0`, `r1` and so on, from a whole number. It is put together of texts
 * that are there: V8 keeps the text of a number for the next time that it is asked for, so that over a long trace each
 * would grow old before it dies, and the heap with them.
 */
export function rowId(seq: number): string {
  return seq < 1000 ? `r${seq}` : `r${Math.floor(seq / 1000)}${ENDS[seq % 1000]}`;
}
