import { ln } from '../core/portable-math.ts';

/** The requests that are measured, as judged by an SLO; entry i of each array is of the same request. */
export interface JudgedRequests {
  readonly dueUs: Float64Array;
  /** End or failure less due; infinite where the request never ended. */
  readonly staysUs: Float64Array;
  /** 1 where the request met every limit, else 0. */
  readonly met: Float64Array;
  /** `slackOf` the request; NaN where it was not answered. */
  readonly slacks: Float64Array;
}

/** Slacks are kept in whole millionths, so that no sum of them depends on the order of the records. */
const SLACK_UNIT = 1e6;
/** The slack by which a request is twice as late. */
export const SLACK_OF_2 = Math.round(Math.LN2 * SLACK_UNIT);

/** Slack of an answered request: logarithm of the largest ratio of a latency to its limit. Above 0 it missed. */
export function slackOf(largestRatio: number): number {
  return Math.round(ln(Math.max(1e-3, largestRatio)) * SLACK_UNIT);
}

/** Time from the first due request to the last. */
export interface Span {
  readonly fromUs: number;
  readonly lengthUs: number;
}

export function spanOf(dueUs: Float64Array): Span {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const due of dueUs) {
    if (due < from) from = due;
    if (due > to) to = due;
  }
  return { fromUs: from, lengthUs: dueUs.length === 0 ? 0 : to - from };
}
