import type { Source } from '../../src/core/plan.ts';
import { meanRate } from '../../src/core/rate.ts';
import { formatMs, threeFigures, withThousands } from '../../src/core/units.ts';

/** Below this number of requests, times that many share mean nothing. */
const FEW = 100;
/** So many gaps tell how far apart rounded times are. */
const MOST_GAPS = 10_000;
const LONG_US = 30 * 86_400e6;
const SHORT_US = 5e6;
/** A mean gap of a minute. */
const SLOW_RPS = 1 / 60;
/** A replay that waits longer than this for its first request waits for nothing. */
const LATE_US = 3600e6;

/** The unit in which a format's times are read. */
interface TimeUnit {
  readonly name: string;
  readonly us: number;
  /** A mean rate above it is hardly any trace's. */
  readonly fastRps: number;
  /** Units a thousand times as long and as short, where users confuse them with this one. */
  readonly longer: string | null;
  readonly shorter: string | null;
  /** The file does not name its unit: many requests in a few seconds are suspect too. */
  readonly isUnnamed: boolean;
}
const NAMED = { fastRps: 2000, isUnnamed: false };
const UNITS: Readonly<Record<NonNullable<Source['timeUnit']>, TimeUnit>> = {
  s: { ...NAMED, name: 'seconds', us: 1e6, longer: null, shorter: 'milliseconds' },
  ms: { ...NAMED, name: 'milliseconds', us: 1000, longer: 'seconds', shorter: 'microseconds' },
  us: { ...NAMED, name: 'microseconds', us: 1, longer: 'milliseconds', shorter: 'nanoseconds' },
  ns: { ...NAMED, name: 'nanoseconds', us: 0.001, longer: 'microseconds', shorter: null },
};
const MOONCAKE: TimeUnit = { ...UNITS.ms, fastRps: 100, isUnnamed: true };
/** Formats of numbers; those of dates leave no doubt, and logs say their unit. */
const OF_FORMAT: Readonly<Record<string, TimeUnit>> = {
  mooncake: MOONCAKE,
  'mooncake-lengths': MOONCAKE,
  csv: UNITS.s,
  rtrace: UNITS.us,
};

/** What the arrivals of a trace, in order, show of its source. Holds no more of them than a few thousand gaps. */
export class ArrivalPattern {
  #requests = 0;
  #firstUs = 0;
  #lastUs = 0;
  #distinct = 0;
  #atLast = 0;
  #mostAtOneTime = 0;
  /** Whether a time is not a whole number of milliseconds. */
  #isFractional = false;
  /** Gaps between successive distinct times. */
  readonly #gapsUs: number[] = [];

  get requests(): number {
    return this.#requests;
  }

  add(dueUs: number): void {
    if (this.#requests === 0) this.#firstUs = dueUs;
    const isNew = this.#requests === 0 || dueUs !== this.#lastUs;
    if (isNew) {
      if (this.#requests > 0 && this.#gapsUs.length < MOST_GAPS) this.#gapsUs.push(dueUs - this.#lastUs);
      this.#distinct++;
      this.#atLast = 0;
    }
    this.#requests++;
    this.#isFractional ||= dueUs % 1000 !== 0;
    this.#mostAtOneTime = Math.max(this.#mostAtOneTime, ++this.#atLast);
    this.#lastUs = dueUs;
  }

  /** `speed`: how many times as fast as in its file the trace runs by then. */
  warnings({ format, timeUnit }: Pick<Source, 'format' | 'timeUnit'>, speed: number): string[] {
    const ofFormat = Object.hasOwn(OF_FORMAT, format) ? OF_FORMAT[format] : undefined;
    const unit = timeUnit === undefined ? ofFormat : UNITS[timeUnit];
    const all = [this.#clumped(), unit === undefined ? null : this.#unitSuspect(unit, format, speed), this.#late()];
    return all.filter((warning) => warning !== null);
  }

  /** Warns of rounded times: most requests then share their time with others. */
  #clumped(): string | null {
    if (this.#requests < FEW || this.#distinct > this.#requests / 2) return null;
    const gapsUs = this.#gapsUs.toSorted((a, b) => a - b);
    const usual = gapsUs[Math.floor(gapsUs.length / 2)];
    const apart = usual === undefined ? '' : `, ${formatMs(usual / 1000)} apart`;
    return (
      `clumped: ${withThousands(this.#requests)} requests stand at ${withThousands(this.#distinct)} distinct times${apart}, ` +
      `up to ${this.#mostAtOneTime} at one time: the source rounded its times, so a replay sends bursts that its users did not, ` +
      'and iat_cv and idc.1s of trace inspect measure the rounding'
    );
  }

  /**
   * Warns of a pace that no trace has, in its file and as it is replayed: a speed that the user chose may be any, and
   * one that mends the unit leaves nothing to warn of.
   */
  #unitSuspect(unit: TimeUnit, format: string, speed: number): string | null {
    const spanUs = this.#lastUs - this.#firstUs;
    // Times with parts of a millisecond are most often seconds, where those would not be a suspect pace themselves.
    const isFractional = unit.us === UNITS.ms.us && speed === 1 && this.#isFractional;
    const fastRps = isFractional ? SLOW_RPS * 1000 : unit.fastRps * doubt(this.#requests);
    const pace = suspectPace({ ...unit, fastRps }, this.#requests, spanUs);
    if (pace === null || suspectPace({ ...unit, fastRps }, this.#requests, spanUs * speed) !== pace) return null;
    const rate = threeFigures(meanRate(this.#requests, this.#firstUs, this.#lastUs) ?? 0);
    const span = spanUs > LONG_US ? `${withThousands(Math.floor(spanUs / 86_400e6))} days` : formatMs(spanUs / 1000);
    const gap = ((this.#gapsUs[0] ?? 0) * speed) / unit.us;
    const [other, factor] = pace === 'fast' ? [unit.longer, 0.001] : [unit.shorter, 1000];
    const wayOut =
      other === null
        ? '--rate RPS or --speed X gives them another pace'
        : `if they are ${other}, run with --speed ${Number((factor * speed).toPrecision(6))}`;
    return (
      `unit_suspect: ${withThousands(this.#requests)} requests span ${span} (${rate} requests/s) when times are read as ` +
      `${unit.name}, as ${unit === OF_FORMAT[format] ? `format ${format} has them` : 'the name of their column says'}: the first gap is ${Number(gap.toPrecision(6))} ${unit.name}; ${wayOut}`
    );
  }

  #late(): string | null {
    if (this.#firstUs <= LATE_US) return null;
    return (
      `starts_late: the first request is due ${formatMs(this.#firstUs / 1000)} after the start, and a replay waits until ` +
      `then; --window ${Math.floor(this.#firstUs / 1e6)}s.. begins there`
    );
  }
}

function suspectPace(unit: TimeUnit, requests: number, spanUs: number): 'fast' | 'slow' | null {
  const rate = meanRate(requests, 0, spanUs);
  if (rate === null) return null;
  if (rate > unit.fastRps || (unit.isUnnamed && requests >= FEW && spanUs < SHORT_US)) return 'fast';
  return spanUs > LONG_US || rate < SLOW_RPS / doubt(requests) ? 'slow' : null;
}

/** Two requests alone may be a burst or a pause: they have to be ten times as near, or as far apart. */
function doubt(requests: number): number {
  return requests === 2 ? 10 : 1;
}
