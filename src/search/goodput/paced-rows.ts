import { NO_FOLLOWERS, type Schedule } from '../../core/schedule.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import type { Segment } from './segments.ts';

/** Rows whose due times are decided at once: a probe is cut at the end of such a part. */
const PART = 16;
/** From when a system is seen to be empty to the next due time. */
const PAUSE_US = 50_000;

export interface Pacing {
  /** Mean rate of the rows as they come, in requests a second. */
  readonly rowsRps: number;
  /** How long before they are due rows are asked for. */
  readonly aheadUs: number;
  /** Position of the first row in the traffic. */
  readonly from: number;
  /** The next segment, from this position on; null: there is none. Called when the one before has been sent. */
  readonly next: (from: number) => Segment | null;
  /** Whether the rest of a segment would tell nothing more. */
  readonly isOver: (segment: Segment) => boolean;
  /** Whether the next segment has to wait until the system is empty. */
  readonly leavesBacklog: (segment: Segment) => boolean;
}

/**
 * Requests in the order of `rows`, each as long after the one before as in the rows, scaled to the rate of its segment.
 * Segments follow one another on the running system, or, after one that leaves a backlog, on an empty one.
 */
export function pacedRows(rows: Schedule, pacing: Pacing): Schedule {
  const { rowsRps, aheadUs, from, next, isOver, leavesBacklog } = pacing;
  let segment: Segment | null = null;
  let waiting: readonly ScheduledRequest[] = [];
  let position = from;
  let dueUs = 0;
  /** When the row before was due among the rows; null: the next begins the load anew, whatever its gap. */
  let rowUs: number | null = null;
  /** Requests whose due times are decided and that have not ended. */
  let open = 0;
  let isDraining = false;
  let isEnd = false;
  return {
    aheadUs,
    async next() {
      for (;;) {
        if (isDraining && open === 0) {
          [dueUs, rowUs, isDraining] = [dueUs + PAUSE_US, null, false];
          segment = null;
        }
        if (isEnd || isDraining) return null;
        if (segment !== null && segment.requests < segment.planned && !isOver(segment)) {
          if (waiting.length > 0) return release(segment);
          await fill();
        } else if (segment !== null && leavesBacklog(segment)) isDraining = true;
        else {
          segment = next(position);
          isEnd = segment === null;
        }
      }
    },
    ended(_request, _outcome, timeUs) {
      open--;
      if (isDraining) dueUs = Math.max(dueUs, timeUs);
      return NO_FOLLOWERS;
    },
    close: () => rows.close(),
  };

  async function fill(): Promise<void> {
    const batch = await rows.next();
    if (batch === null) isEnd = true;
    else waiting = batch;
  }

  function release(of: Segment): ScheduledRequest[] {
    const part = waiting.slice(0, Math.min(PART, of.planned - of.requests));
    waiting = waiting.slice(part.length);
    const scale = rowsRps / of.rateRps;
    const released = part.map((row) => {
      dueUs += (row.dueUs - (rowUs ?? row.dueUs)) * scale;
      rowUs = row.dueUs;
      return { ...row, dueUs: Math.round(dueUs) };
    });
    of.requests += part.length;
    position += part.length;
    open += part.length;
    return released;
  }
}
