/** Times in which a thread did something else than it should, in microseconds of the run. */
export interface Pauses {
  totalUs: number;
  longestUs: number;
  /** When the longest began. */
  longestAtUs: number;
}

export function noPauses(): Pauses {
  return { totalUs: 0, longestUs: 0, longestAtUs: 0 };
}

/** Adds pauses to others. */
export function addPauses(to: Pauses, { totalUs, longestUs, longestAtUs }: Readonly<Pauses>): void {
  to.totalUs += totalUs;
  if (longestUs <= to.longestUs) return;
  to.longestUs = longestUs;
  to.longestAtUs = longestAtUs;
}
