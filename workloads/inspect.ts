import type { Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import type { LengthStatistics, TraceInspection } from '../src/core/trace-inspection.ts';
import { withThousands } from '../src/core/units.ts';
import { counted } from './counted.ts';
import { Arrivals } from './inspect/arrivals.ts';
import { BadRows } from './inspect/bad-rows.ts';
import { JointLengths } from './inspect/joint.ts';
import { Lengths } from './inspect/lengths.ts';
import { Media } from './inspect/media.ts';
import { Names } from './inspect/names.ts';
import { PrefixDetails } from './inspect/prefix-details.ts';
import { Sessions } from './inspect/sessions.ts';
import { TimeBins } from './inspect/time-bins.ts';
import { ArrivalPattern } from './inspect/warnings.ts';
import { openSource, type OpenOptions } from './open-source.ts';

const PICTURE_BINS = 60;
/** So many rows of the largest length, and this share of all, are the mark of a cap. */
const CAPPED_ROWS = 10;
const CAPPED_SHARE = 0.001;

/**
 * Reads a trace to its end and measures it. What it holds does not grow with the rows, but for a hash of each session
 * and block; a trace that is not in order of time is read again, and its times are held to be sorted. Bad rows are
 * counted and the first few named, not fatal. `info` hears how far it is.
 */
export async function inspectTrace(
  path: string,
  reading: Partial<Omit<OpenOptions, 'onBadRow' | 'onSkipped'>> = {},
  info: (text: string) => void = () => undefined,
): Promise<TraceInspection> {
  const badRows = new BadRows(path);
  let isFirstReading = true;
  const source = await openSource(path, {
    ...reading,
    onBadRow: 'skip',
    onSkipped(row) {
      if (isFirstReading) badRows.add(row);
    },
  });
  const hasStarts = source.starts !== 'none';
  const contents = new Contents(source.blockTokens ?? null);
  const order = new Order();
  let timing = new Timing();
  for await (const batch of counted(source, info).open())
    for (const request of batch) {
      contents.add(request);
      if (!hasStarts) continue;
      order.add(request.dueUs);
      if (order.inversions === 0) timing.add(request);
    }
  const warnings = [...source.notes(), ...badRows.warnings()];
  isFirstReading = false;
  if (order.inversions > 0) {
    timing = await sortedTiming(counted(source, info), order);
    warnings.push(
      `not_sorted: ${withThousands(order.inversions)} of ${withThousands(contents.rows)} rows are due before the row above; all are sorted before they are replayed`,
    );
  }
  if (hasStarts) warnings.push(...timing.pattern.warnings(source, 1));
  const found = contents.figures();
  warnings.push(...cappedWarnings(found.rows, found.input_tokens, found.output_tokens));
  if (found.rows === 0) warnings.push('there is no request in it to replay');
  const { bins, arrivals } = timing;
  return {
    file: source.path,
    format: source.format,
    sha256: (await source.sha256?.()) ?? null,
    bad_rows: badRows.count,
    ...arrivals.statistics(),
    ...(hasStarts ? {} : { duration_s: null }),
    ...arrivals.details(),
    out_of_order: order.inversions,
    ...found,
    arrivals: bins.picture(PICTURE_BINS),
    warnings,
    charts: { over_time: bins.overTime(), ...contents.charts() },
  };
}

/** What a trace has besides its times. */
class Contents {
  rows = 0;
  readonly #input = new Lengths();
  readonly #output = new Lengths();
  readonly #total = new Lengths();
  readonly #joint = new JointLengths();
  readonly #prefix: PrefixDetails;
  readonly #sessions = new Sessions();
  readonly #classes = new Names();
  readonly #models = new Names();
  readonly #users = new Names();
  readonly #media = new Media();
  #estimated = 0;
  #failed = 0;

  constructor(blockTokens: number | null) {
    this.#prefix = new PrefixDetails(blockTokens);
  }

  add(request: Request): void {
    const { inputTokens, outputTokens } = request;
    this.rows++;
    this.#input.add(inputTokens);
    this.#output.add(outputTokens);
    this.#total.add(inputTokens + outputTokens);
    this.#joint.add(inputTokens, outputTokens);
    this.#prefix.add(request);
    this.#sessions.add(request);
    this.#classes.add(request.sloClass);
    this.#models.add(request.model);
    this.#users.add(request.user);
    this.#media.add(request);
    if (request.isEstimated === true) this.#estimated++;
    if (request.source?.failed === true) this.#failed++;
  }

  figures(): Omit<TraceInspection, keyof Timed | 'file' | 'format' | 'sha256' | 'bad_rows' | 'warnings' | 'charts'> {
    return {
      rows: this.rows,
      input_tokens: this.#input.statistics(),
      output_tokens: this.#output.statistics(),
      total_tokens: this.#total.statistics(),
      joint: this.#joint.statistics(),
      sessions: this.#sessions.count,
      turns_per_session: this.#sessions.turnsPerSession,
      session_details: this.#sessions.statistics(),
      classes: this.#classes.counts(),
      models: this.#models.counts(),
      users: this.#users.counts(),
      media: this.#media.counts(),
      estimated_rows: this.#estimated,
      failed_rows: this.#failed,
      prefix: this.#prefix.statistics(),
    };
  }

  charts(): Omit<TraceInspection['charts'], 'over_time'> {
    return { lengths: this.#joint.cells(), ...this.#sessions.charts() };
  }
}

type Timed = Pick<
  TraceInspection,
  keyof ReturnType<Arrivals['statistics']> | keyof ReturnType<Arrivals['details']> | 'out_of_order' | 'arrivals'
>;

/** When requests arrive, in order of time. */
class Timing {
  readonly arrivals = new Arrivals();
  readonly pattern = new ArrivalPattern();
  readonly bins: TimeBins;

  constructor(bins = new TimeBins()) {
    this.bins = bins;
  }

  add(request: Request): void {
    this.addTime(request.dueUs);
    this.bins.add(request);
  }

  addTime(us: number): void {
    this.arrivals.add(us);
    this.pattern.add(us);
  }
}

/** Whether rows are in order of time. */
class Order {
  inversions = 0;
  rows = 0;
  firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;

  add(us: number): void {
    this.rows++;
    if (us < this.#lastUs) this.inversions++;
    if (us < this.firstUs) this.firstUs = us;
    this.#lastUs = us;
  }
}

/** Of a trace that is not in order: it is read again. */
async function sortedTiming(source: Source, { rows, firstUs }: Order): Promise<Timing> {
  const timing = new Timing(new TimeBins(firstUs));
  const dueUs = new Float64Array(rows);
  let read = 0;
  for await (const batch of source.open())
    for (const request of batch) {
      dueUs[read++] = request.dueUs;
      timing.bins.add(request);
    }
  for (const us of dueUs.sort()) timing.addTime(us);
  return timing;
}

function cappedWarnings(rows: number, input: LengthStatistics, output: LengthStatistics): string[] {
  const capped = (name: string, { at_max, max, p50 }: LengthStatistics): string[] =>
    at_max >= Math.max(CAPPED_ROWS, rows * CAPPED_SHARE) && (p50 ?? 0) * 2 < (max ?? 0)
      ? [
          `capped: ${withThousands(at_max)} rows have the largest ${name} length, ${withThousands(max ?? 0)} tokens: the source cut longer ones there, so the load of its longest requests is not in the trace`,
        ]
      : [];
  return [...capped('input', input), ...capped('output', output)];
}
