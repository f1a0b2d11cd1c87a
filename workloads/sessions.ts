import { UserError } from '../src/core/errors.ts';
import type { SessionsAsked, SessionsPlan, Source, TransformSpec } from '../src/core/plan.ts';

/** The transforms around the user's own that sessions need, and how they are replayed; null: each request at its time. */
export interface SessionTransforms {
  readonly first: readonly TransformSpec[];
  readonly last: readonly TransformSpec[];
  readonly plan: SessionsPlan | null;
}

/**
 * What has to be done to the requests of `source` for what was asked of its sessions. Throws a UserError where the trace
 * has no starts of sessions and none are asked for, or has and they are.
 */
export function sessionTransforms(source: Source, asked: SessionsAsked, seed: number): SessionTransforms {
  const { sessionRate, lanes = null, isStationary = false } = asked;
  const hasStarts = source.starts !== 'none';
  const thinks = (asked.mode ?? (hasStarts ? 'trace' : 'think')) === 'think';
  if (sessionRate !== undefined && lanes !== null)
    throw new UserError('--session-rate and --concurrent-sessions both say when sessions start: give one of them');
  if (hasStarts && sessionRate !== undefined)
    throw new UserError(
      `--session-rate: ${source.name} says when its sessions start; scale them with --rate or --speed, or give --concurrent-sessions`,
    );
  if (!hasStarts && sessionRate === undefined && lanes === null)
    throw new UserError(
      `${source.name} (${source.format}) does not say when its sessions start; give --session-rate RPS (sessions a second, Poisson) or --concurrent-sessions N`,
    );
  if (isStationary && lanes === null)
    throw new UserError(
      '--start-at stationary: sessions are met as they go on in lanes only; give --concurrent-sessions N',
    );
  if (!thinks && sessionRate === undefined && lanes === null) return { first: [], last: [], plan: null };
  const isMerged = !thinks && lanes === null;
  return {
    first: thinks ? [{ op: 'think-times', args: {} }] : [],
    last: [
      { op: 'by-session', args: {} },
      ...(isStationary && lanes !== null ? [{ op: 'stationary', args: { lanes, seed } }] : []),
      ...(sessionRate === undefined
        ? []
        : [{ op: 'session-rate', args: { rps: sessionRate, seed, merged: isMerged ? 1 : 0 } }]),
    ],
    plan: isMerged ? null : { thinks, lanes },
  };
}
