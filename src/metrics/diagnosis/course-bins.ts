import { nearestRank } from '../samples.ts';
import type { CourseRequests } from './course.ts';

/** Bins of the span of due times: so few that each has requests enough, and no more than a reader can tell apart. */
const REQUESTS_A_BIN = 8;
const MIN_BINS = 6;
const MAX_BINS = 240;

/** A part of the span of due times. */
export interface CourseBin {
  readonly from_s: number;
  readonly to_s: number;
  /** Requests due in it, refused ones too, and their tokens as planned. */
  readonly due: number;
  readonly prompt_tokens: number;
  readonly output_tokens: number;
  /** Of those due in it: what the server took, and what of that timed out, or missed the SLO or was slow. */
  readonly taken: number;
  readonly timed_out: number;
  readonly missed: number;
  /** Requests that were answered in it, whenever they were due. */
  readonly answered: number;
  /** Sent and not ended: averaged over it, and the most at one time. */
  readonly in_flight: number;
  readonly most_in_flight: number;
  /** Median time in the system of those due in it, in all and for each output token; infinite where most got no answer. */
  readonly stay_us: number;
  readonly pace_us: number;
}

/** Requests in flight between two times. */
export type OfSpan = (fromUs: number, toUs: number) => number;

/** What a request asks for, and when. */
type Load = { readonly [K in 'due_us' | 'prompt_tokens' | 'output_tokens']: CourseRequests[K] | Float64Array };

/** `requests` and `refused` are in order of due time. */
export function courseBins(
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  requests: CourseRequests,
  refused: Load,
  inFlight: { readonly mean: OfSpan; readonly most: OfSpan },
): CourseBin[] {
  const due = requests.due_us.length + refused.due_us.length;
  const count = Math.min(MAX_BINS, Math.max(MIN_BINS, Math.floor(due / REQUESTS_A_BIN)));
  const widthUs = (toUs - fromUs) / count;
  const cells = Array.from({ length: count }, () => ({
    due: 0,
    prompt_tokens: 0,
    output_tokens: 0,
    taken: 0,
    timed_out: 0,
    missed: 0,
    answered: 0,
    /** Its first request; those behind it are next to it. */
    first: 0,
  }));
  const cellAt = (us: number): (typeof cells)[number] | undefined =>
    cells[Math.min(count - 1, Math.floor((us - fromUs) / widthUs))];
  const addLoad = (of: Load, i: number): (typeof cells)[number] | undefined => {
    const own = cellAt(of.due_us[i] ?? 0);
    if (own === undefined) return undefined;
    own.due++;
    own.prompt_tokens += of.prompt_tokens[i] ?? 0;
    own.output_tokens += of.output_tokens[i] ?? 0;
    return own;
  };
  for (let i = 0; i < refused.due_us.length; i++) addLoad(refused, i);
  for (let i = 0; i < requests.due_us.length; i++) {
    const own = addLoad(requests, i);
    if (own === undefined) continue;
    const [stayUs, endUs] = [requests.stay_us[i] ?? Infinity, requests.end_us[i] ?? Infinity];
    if (own.taken === 0) own.first = i;
    own.taken++;
    own.timed_out += requests.timed_out[i] ?? 0;
    own.missed += requests.missed[i] ?? 0;
    const last = Number.isFinite(stayUs) && endUs <= toUs ? cellAt(endUs) : undefined;
    if (last !== undefined) last.answered++;
  }
  return cells.map(({ first, ...cell }, i) => {
    const stays = requests.stay_us.slice(first, first + cell.taken);
    const paces = stays.map((stayUs, at) => stayUs / Math.max(1, requests.output_tokens[first + at] ?? 1));
    const [startUs, endUs] = [fromUs + i * widthUs, fromUs + (i + 1) * widthUs];
    return {
      from_s: startUs / 1e6,
      to_s: endUs / 1e6,
      ...cell,
      in_flight: inFlight.mean(startUs, endUs),
      most_in_flight: inFlight.most(startUs, endUs),
      stay_us: nearestRank(stays.sort(), 500) ?? 0,
      pace_us: nearestRank(paces.sort(), 500) ?? 0,
    };
  });
}
