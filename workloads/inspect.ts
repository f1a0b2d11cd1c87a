import type { Request } from '../src/core/request.ts';
import { badRowText } from './formats/format.ts';
import { openSource } from './open-source.ts';
import { arrivalStatistics, type ArrivalStatistics } from './inspect/arrivals.ts';
import { lengthStatistics, type LengthStatistics } from './inspect/lengths.ts';
import { prefixStatistics, type PrefixStatistics } from './inspect/prefix.ts';

/** What is in a trace: the keys of `trace inspect --json` (definitions: the README of this folder). */
export interface TraceInspection extends ArrivalStatistics {
  readonly file: string;
  readonly format: string;
  readonly rows: number;
  readonly bad_rows: number;
  readonly input_tokens: LengthStatistics;
  readonly output_tokens: LengthStatistics;
  readonly sessions: number;
  readonly turns_per_session: number | null;
  /** Null where the trace has no block ids. */
  readonly prefix: PrefixStatistics | null;
  /** Arrivals in equal parts of the trace, for a picture. */
  readonly arrivals: readonly number[];
  readonly warnings: readonly string[];
}

const PICTURE_BINS = 60;
const SHOWN_BAD_ROWS = 5;

/** Reads a whole trace and measures it. Bad rows are counted and the first few named, not fatal. */
export async function inspectTrace(path: string): Promise<TraceInspection> {
  const warnings: string[] = [];
  let badRows = 0;
  const source = await openSource(path, {
    onBadRow: 'skip',
    onSkipped: (row) => {
      if (badRows++ < SHOWN_BAD_ROWS) warnings.push(badRowText(path, row));
    },
  });
  const requests: Request[] = [];
  for await (const batch of source.open()) requests.push(...batch);
  const inversions = requests.filter(({ dueUs }, i) => dueUs < (requests[i - 1]?.dueUs ?? dueUs)).length;
  if (inversions > 0)
    warnings.push(
      `not_sorted: ${inversions} rows are due before the row above them; they are sorted before they are replayed`,
    );
  if (requests.length === 0) warnings.push('there is no request in it to replay');
  const dueUs = requests.map((request) => request.dueUs).sort((a, b) => a - b);
  const sessions = new Set(requests.flatMap(({ session }) => (session === undefined ? [] : [session]))).size;
  const inSessions = requests.filter(({ session }) => session !== undefined).length;
  return {
    file: source.path,
    format: source.format,
    rows: requests.length,
    bad_rows: badRows,
    ...arrivalStatistics(dueUs),
    input_tokens: lengthStatistics(requests.map((request) => request.inputTokens)),
    output_tokens: lengthStatistics(requests.map((request) => request.outputTokens)),
    sessions,
    turns_per_session: sessions === 0 ? null : inSessions / sessions,
    prefix: prefixStatistics(requests),
    arrivals: picture(dueUs),
    warnings,
  };
}

function picture(dueUs: readonly number[]): number[] {
  const bins = Array.from({ length: PICTURE_BINS }, () => 0);
  const [first = 0, last = 0] = [dueUs[0], dueUs.at(-1)];
  for (const us of dueUs) {
    const bin = Math.min(PICTURE_BINS - 1, Math.floor(((us - first) / Math.max(1, last - first)) * PICTURE_BINS));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}
