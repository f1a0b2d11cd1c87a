import { formatShare, sharesApart } from '../src/core/units.ts';
import type { GoodputProbe } from '../src/schema/goodput.ts';

export type Counts = Pick<GoodputProbe, 'attainment' | 'met' | 'missed' | 'requests'>;

/** The share that met; of a run that was cut, the bound that settled the goal: `at most 89.98 %`. */
export function shareText(probe: Counts, at: number): string {
  const { share, bound } = shareOf(probe, at);
  const [text] = sharesApart(share, at);
  return bound === null ? formatShare(share) : `at ${bound} ${text}`;
}

export interface Share {
  readonly share: number;
  /** Null: the share itself, of a run that went to its end, or of which all requests were seen to meet, or to miss. */
  readonly bound: 'least' | 'most' | null;
}

export function shareOf({ attainment, met, missed, requests }: Counts, at: number): Share {
  if (attainment !== null) return { share: attainment, bound: null };
  const least = met / requests;
  // Both ends of a share such as 0.9 of a whole number of requests are reached exactly.
  if (met === requests || missed === requests) return { share: least, bound: null };
  return least >= at - 1e-9 ? { share: least, bound: 'least' } : { share: 1 - missed / requests, bound: 'most' };
}
