import { counted } from './counted.ts';
import { withThousands } from '../src/core/units.ts';
import { openSource, type OpenOptions } from './open-source.ts';
import { arrivalStatistics, type ArrivalStatistics } from './inspect/arrivals.ts';
import { BadRows } from './inspect/bad-rows.ts';
import { ArrivalPattern } from './inspect/warnings.ts';
import { Lengths, type LengthStatistics } from './inspect/lengths.ts';
import { PrefixReuse, type PrefixStatistics } from './inspect/prefix.ts';

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

/**
 * Reads a trace to its end and measures it; holds its times and nothing else of its rows. Bad rows are counted and the
 * first few named, not fatal. `info` hears how far it is.
 */
export async function inspectTrace(
  path: string,
  reading: Partial<Omit<OpenOptions, 'onBadRow' | 'onSkipped'>> = {},
  info: (text: string) => void = () => undefined,
): Promise<TraceInspection> {
  const badRows = new BadRows(path);
  const warnings: string[] = [];
  const source = await openSource(path, {
    ...reading,
    onBadRow: 'skip',
    onSkipped: (row) => badRows.add(row),
  });
  const dueUs: number[] = [];
  const [input, output] = [new Lengths(), new Lengths()];
  const prefix = new PrefixReuse(source.blockTokens ?? null);
  const sessions = new Set<string>();
  let inSessions = 0;
  let inversions = 0;
  for await (const batch of counted(source, info).open())
    for (const request of batch) {
      if (request.dueUs < (dueUs.at(-1) ?? 0)) inversions++;
      dueUs.push(request.dueUs);
      input.add(request.inputTokens);
      output.add(request.outputTokens);
      prefix.add(request);
      if (request.session === undefined) continue;
      sessions.add(request.session);
      inSessions++;
    }
  warnings.push(...source.notes(), ...badRows.warnings());
  if (inversions > 0) {
    dueUs.sort((a, b) => a - b);
    warnings.push(
      `not_sorted: ${withThousands(inversions)} of ${withThousands(dueUs.length)} rows are due before the row above; all are sorted before they are replayed`,
    );
  }
  const pattern = new ArrivalPattern();
  for (const us of dueUs) pattern.add(us);
  warnings.push(...pattern.warnings(source, 1));
  if (dueUs.length === 0) warnings.push('there is no request in it to replay');
  return {
    file: source.path,
    format: source.format,
    rows: dueUs.length,
    bad_rows: badRows.count,
    ...arrivalStatistics(dueUs),
    input_tokens: input.statistics(),
    output_tokens: output.statistics(),
    sessions: sessions.size,
    turns_per_session: sessions.size === 0 ? null : inSessions / sessions.size,
    prefix: prefix.statistics(),
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
