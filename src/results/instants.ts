/** The largest time that a date can hold, in milliseconds. */
const MAX_MS = 8.64e15;

/** Milliseconds since 1970 as ISO 8601 in UTC; null where that is no time. */
export function isoTime(ms: number): string | null {
  return Number.isFinite(ms) && Math.abs(ms) <= MAX_MS ? new Date(ms).toISOString() : null;
}
