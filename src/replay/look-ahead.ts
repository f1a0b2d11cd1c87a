import type { ScheduledRequest } from '../core/target.ts';

/** Requests are taken from the schedule this long before they are due, or for less time when their bodies are large. */
export const LOOK_AHEAD_US = 10e6;
export const SHORT_LOOK_AHEAD_US = 1e6;
/** Of the bodies that are held from then on. */
export const LOOK_AHEAD_BYTES = 64e6;

export function bodyBytes(request: ScheduledRequest): number {
  let bytes = 0;
  for (const call of request.calls) bytes += call.body.length;
  return bytes;
}
