import { type Outcome, OUTCOMES, type RequestRecord } from '../../core/record.ts';
import { Concurrency } from '../concurrency.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../request-latency.ts';
import { nearestRank, Samples } from '../samples.ts';

/** Bins of the span of due times: so few that each has requests enough, and no more than a reader can tell apart. */
const REQUESTS_A_BIN = 8;
const MIN_BINS = 6;
const MAX_BINS = 120;
/** Without an SLO a request is slow whose TTFT or TPOT is so many times the median, or that failed. */
const SLOW_TTFT = 5;
const SLOW_TPOT = 3;

/** A part of the span of due times. */
export interface CourseBin {
  readonly from_s: number;
  readonly to_s: number;
  /** Requests due in it, their input tokens as planned, and those of them that missed the SLO or were slow. */
  readonly due: number;
  readonly prompt_tokens: number;
  readonly missed: number;
  /** Requests that ended ok in it, whenever they were due. */
  readonly answered: number;
  /** Of those due in it. */
  readonly timed_out: number;
  /** Of those due in it, failed in any way but by a time-out. */
  readonly refused: number;
  /** Sent and not ended, averaged over it. */
  readonly in_flight: number;
  /** Median time in the system for each output token, of those due in it; infinite where most failed. */
  readonly pace_us: number;
}

/** One measured request, by what the rules look at. */
export interface CourseRequest {
  readonly due_s: number;
  readonly missed: boolean;
  /** Requests in flight when it was due. */
  readonly in_flight: number;
}

/** The requests of a run over time. */
export interface Course {
  /** First and last due time, and the end of the run, from its start. */
  readonly from_s: number;
  readonly to_s: number;
  readonly end_s: number;
  readonly bins: readonly CourseBin[];
  /** In order of due time. */
  readonly requests: readonly CourseRequest[];
  readonly missed: number;
  /** Median time in the system of answered requests; null without any. */
  readonly stay_s: number | null;
  /** `slow`: there is no SLO, and what `missed` counts are slow requests. */
  readonly judged_by: 'slo' | 'slow';
}

/** Columns of the measured requests, and what is in flight. */
export class CourseCollector {
  readonly #inFlight = new Concurrency();
  readonly #dueUs = new Samples();
  /** NaN where a request did not end. */
  readonly #endUs = new Samples();
  readonly #outcomes = new Samples();
  readonly #promptTokens = new Samples();
  /** 1: missed the SLO; 0: met it, or there is none. */
  readonly #missed = new Samples();
  /** Infinite where a request was not answered. */
  readonly #ttftUs = new Samples();
  readonly #tpotUs = new Samples();
  readonly #paceUs = new Samples();
  readonly #staysUs = new Samples();
  #endOfRunUs = 0;

  /** Any request that was sent, warm-up and cool-down too. */
  addSent({ sent_us, end_us }: RequestRecord): void {
    if (sent_us === null) return;
    this.#inFlight.add(sent_us, end_us ?? Infinity);
    this.#endOfRunUs = Math.max(this.#endOfRunUs, end_us ?? sent_us);
  }

  /** A measured request that says something of the server. */
  add(record: RequestRecord, missed: boolean): void {
    const answered = isAnswered(record);
    this.#dueUs.push(record.due_us);
    this.#endUs.push(record.end_us ?? Number.NaN);
    this.#outcomes.push(OUTCOMES.indexOf(record.outcome));
    this.#promptTokens.push(record.input_tokens_planned ?? record.input_tokens ?? 0);
    this.#missed.push(missed ? 1 : 0);
    this.#ttftUs.push(answered ? ttftUs(record) : Infinity);
    this.#tpotUs.push(answered ? (tpotUs(record) ?? 0) : Infinity);
    if (answered) this.#staysUs.push(e2eUs(record));
    this.#paceUs.push(answered ? e2eUs(record) / record.token_times_us.length : Infinity);
  }

  /** Null without two requests due at different times. */
  result(hasSlo: boolean): Course | null {
    const due = this.#dueUs.values();
    const [fromUs, toUs] = due.reduce(([low, high], us) => [Math.min(low, us), Math.max(high, us)], [Infinity, 0]);
    if (due.length < 2 || !(toUs > fromUs)) return null;
    const missed = hasSlo ? this.#missed.values() : this.#slow();
    const inFlight = this.#inFlight.means();
    const stayUs = nearestRank(this.#staysUs.sorted(), 500);
    const order = Uint32Array.from(due.keys()).sort((a, b) => (due[a] ?? 0) - (due[b] ?? 0));
    return {
      from_s: fromUs / 1e6,
      to_s: toUs / 1e6,
      end_s: Math.max(toUs, this.#endOfRunUs) / 1e6,
      bins: this.#bins(fromUs, toUs, missed, inFlight),
      requests: Array.from(order, (i) => {
        const at = due[i] ?? 0;
        return { due_s: at / 1e6, missed: missed[i] === 1, in_flight: inFlight(at - 1, at) };
      }),
      missed: missed.reduce((sum, each) => sum + each, 0),
      stay_s: stayUs === null ? null : stayUs / 1e6,
      judged_by: hasSlo ? 'slo' : 'slow',
    };
  }

  /** As `#missed`, where there is no SLO. */
  #slow(): Float64Array {
    const [ttfts, tpots] = [this.#ttftUs.values(), this.#tpotUs.values()];
    const over = (samples: Samples, times: number): number => times * (nearestRank(samples.sorted(), 500) ?? Infinity);
    const [ttft, tpot] = [over(this.#ttftUs, SLOW_TTFT), over(this.#tpotUs, SLOW_TPOT)];
    return ttfts.map((value, i) => (value > ttft || (tpots[i] ?? 0) > tpot || value === Infinity ? 1 : 0));
  }

  #bins(
    fromUs: number,
    toUs: number,
    missed: Float64Array,
    inFlight: (fromUs: number, toUs: number) => number,
  ): CourseBin[] {
    const due = this.#dueUs.values();
    const count = Math.min(MAX_BINS, Math.max(MIN_BINS, Math.floor(due.length / REQUESTS_A_BIN)));
    const widthUs = (toUs - fromUs) / count;
    const binOf = (us: number): number => Math.min(count - 1, Math.floor((us - fromUs) / widthUs));
    const cells = Array.from({ length: count }, () => ({
      due: 0,
      prompt_tokens: 0,
      missed: 0,
      answered: 0,
      timed_out: 0,
      refused: 0,
      paces: new Samples(),
    }));
    const [ends, outcomes] = [this.#endUs.values(), this.#outcomes.values()];
    due.forEach((at, i) => {
      const outcome: Outcome = OUTCOMES[outcomes[i] ?? 0] ?? 'ok';
      const own = cells[binOf(at)];
      if (own === undefined) return;
      own.due++;
      own.prompt_tokens += this.#promptTokens.values()[i] ?? 0;
      own.missed += missed[i] ?? 0;
      if (outcome === 'timeout') own.timed_out++;
      else if (outcome !== 'ok' && outcome !== 'cut') own.refused++;
      own.paces.push(this.#paceUs.values()[i] ?? Infinity);
      const end = ends[i] ?? Number.NaN;
      const last = outcome === 'ok' && end <= toUs ? cells[binOf(end)] : undefined;
      if (last !== undefined) last.answered++;
    });
    return cells.map(({ paces, ...cell }, i) => {
      const [startUs, endUs] = [fromUs + i * widthUs, fromUs + (i + 1) * widthUs];
      return {
        from_s: startUs / 1e6,
        to_s: endUs / 1e6,
        ...cell,
        in_flight: inFlight(startUs, endUs),
        pace_us: nearestRank(paces.sorted(), 500) ?? 0,
      };
    });
  }
}
