/**
 * Mean rate of arrivals in requests a second: (n - 1) / (last - first), as n arrivals have n - 1 gaps. Every rate of a
 * trace, a plan or what was sent is this one. Null where nothing lies between the first and the last.
 */
export function meanRate(arrivals: number, firstUs: number, lastUs: number): number | null {
  return arrivals > 1 && lastUs > firstUs ? ((arrivals - 1) * 1e6) / (lastUs - firstUs) : null;
}
