import { withThousands } from '../src/core/units.ts';

/** The note on rows that are sound and no requests to replay, by reason. */
export function leftOutNotes(leftOut: ReadonlyMap<string, number>): string[] {
  if (leftOut.size === 0) return [];
  const counts = [...leftOut].map(([reason, count]) => `${withThousands(count)} (${reason})`);
  return [`rows left out: ${counts.join(', ')}`];
}
