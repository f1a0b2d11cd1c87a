import type { SessionsPlan } from '../core/plan.ts';
import { traceOrder, type Schedule } from '../core/schedule.ts';
import { sessionOrder } from '../replay/session-order.ts';
import { isFollower, type Feed } from './feed.ts';

/** When the requests of a plan are due: each at its time in the trace, or as its sessions go on. */
export function scheduleOf(sessions: SessionsPlan | null, feed: Feed): Schedule {
  if (sessions === null) return traceOrder(feed.requests);
  return sessionOrder(feed.requests, {
    thinks: sessions.thinks,
    lanes: sessions.lanes,
    // The first requests of a session come with their calls.
    prepare: (scheduled) => (sessions.thinks && isFollower(scheduled.request) ? feed.prepare(scheduled) : scheduled),
    ended: (scheduled, response) => feed.ended(scheduled, response),
    drop: (scheduled) => feed.drop(scheduled),
  });
}
