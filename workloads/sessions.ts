import { UserError } from '../src/core/errors.ts';
import type { HistoryMode, SessionsAsked, SessionsPlan, Source, TransformSpec } from '../src/core/plan.ts';

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
  const { sessionRate, lanes = null, isStationary = false, history = 'trace' } = asked;
  const hasStarts = source.starts !== 'none';
  const thinks = doThink(source, asked);
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
      ...(history === 'live' ? [{ op: 'live', args: {} }] : []),
    ],
    plan: isMerged ? null : { thinks, history, lanes },
  };
}

/** Whether later turns wait for the answers before them. */
function doThink({ starts }: Source, { mode }: SessionsAsked): boolean {
  return (mode ?? (starts === 'none' ? 'think' : 'trace')) === 'think';
}

/**
 * What stands before the new part of a later turn's prompt: what was asked for, or else the answers of the run where rows
 * have new parts alone (`PlanStats.hasNewParts`). Throws a UserError where it is answers and turns do not wait for them.
 */
export function historyOf(source: Source, asked: SessionsAsked, hasNewParts: boolean): HistoryMode {
  const history = asked.history ?? (hasNewParts ? 'live' : 'trace');
  if (history === 'trace' || doThink(source, asked)) return history;
  const why =
    asked.history === undefined
      ? `${source.name}: its rows hold the new part of each turn, so that prompts repeat the answers of the run`
      : '--history live: prompts repeat the answers of the run';
  throw new UserError(
    `${why}, and turns wait for them with --sessions think; give that, or --history trace, which draws each prompt anew`,
  );
}
