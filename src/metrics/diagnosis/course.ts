import type { RequestRecord } from '../../core/record.ts';
import { ascendingOrder } from '../ascending-order.ts';
import { Concurrency } from '../concurrency.ts';
import { keepOnly } from '../keep-only.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../request-latency.ts';
import { release } from '../../core/release.ts';
import { nearestRank, Samples, sum } from '../samples.ts';
import { courseBins, type CourseBin, type OfSpan } from './course-bins.ts';

/** Without an SLO a request is slow whose TTFT or TPOT is so many times the median, or that timed out. */
const SLOW_TTFT = 5;
const SLOW_TPOT = 3;

/** Requests in order of due time, one entry each in every column. */
export interface CourseRequests {
  readonly due_us: Float64Array<ArrayBuffer>;
  /** Infinite where a request did not end. */
  readonly end_us: Float64Array<ArrayBuffer>;
  /** 1: it timed out. */
  readonly timed_out: Uint8Array<ArrayBuffer>;
  /** 1: missed the SLO, or was slow. */
  readonly missed: Uint8Array<ArrayBuffer>;
  /** TTFT and time in the system, infinite where a request was not answered. */
  readonly ttft_us: Float64Array<ArrayBuffer>;
  readonly stay_us: Float64Array<ArrayBuffer>;
  /** Others in flight when it was due. */
  readonly in_flight: Uint32Array<ArrayBuffer>;
  /** As planned. */
  readonly prompt_tokens: Uint32Array<ArrayBuffer>;
  readonly output_tokens: Uint32Array<ArrayBuffer>;
}

/** The requests of a run over time. */
export interface Course {
  /** First and last due time, and the end of the run, from its start. */
  readonly from_s: number;
  readonly to_s: number;
  readonly end_s: number;
  readonly bins: readonly CourseBin[];
  /** Those that the server took. One that it refused, or that broke, is told as a failure and says nothing of its pace. */
  readonly requests: CourseRequests;
  readonly taken: number;
  readonly refused: number;
  /** Of those taken. */
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
  readonly #endUs = new Samples();
  /** 1: the server took it, and was late at worst. */
  readonly #taken = new Samples();
  readonly #timedOut = new Samples();
  readonly #promptTokens = new Samples();
  readonly #outputTokens = new Samples();
  readonly #missed = new Samples();
  readonly #ttftUs = new Samples();
  /** Without an SLO, for slow requests. */
  readonly #tpotUs = new Samples();
  readonly #staysUs = new Samples();
  readonly #hasSlo: boolean;
  #endOfRunUs = 0;

  constructor(hasSlo: boolean) {
    this.#hasSlo = hasSlo;
  }

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
    this.#endUs.push(record.end_us ?? Infinity);
    const { outcome } = record;
    this.#taken.push(answered || outcome === 'timeout' || outcome === 'cut' ? 1 : 0);
    this.#timedOut.push(outcome === 'timeout' ? 1 : 0);
    this.#promptTokens.push(record.input_tokens_planned ?? record.input_tokens ?? 0);
    this.#outputTokens.push(record.output_tokens_planned ?? record.output_tokens ?? 0);
    this.#missed.push(missed ? 1 : 0);
    this.#ttftUs.push(answered ? ttftUs(record) : Infinity);
    if (!this.#hasSlo) this.#tpotUs.push(answered ? (tpotUs(record) ?? 0) : Infinity);
    this.#staysUs.push(answered ? e2eUs(record) : Infinity);
  }

  /** Null without two requests due at different times. To be asked once: the columns are gone afterwards. */
  result(): Course | null {
    const [due, ends, ttfts] = [this.#dueUs.values(), this.#endUs.values(), this.#ttftUs.values()];
    // By columns alone, so that the order of the records changes nothing.
    const order = ascendingOrder(due, ends, ttfts);
    const [fromUs, toUs] = [due[order[0] ?? 0] ?? 0, due[order.at(-1) ?? 0] ?? 0];
    release(due, ends, ttfts);
    if (!(toUs > fromUs)) return null;
    const means = this.#inFlight.means();
    const notTaken = keepOnly(order.slice(), (i) => this.#taken.at(i) === 0);
    const taken = keepOnly(order, (i) => this.#taken.at(i) === 1);
    this.#taken.release();
    const refused = {
      due_us: this.#dueUs.pick(notTaken),
      prompt_tokens: this.#promptTokens.pick(notTaken),
      output_tokens: this.#outputTokens.pick(notTaken),
    };
    const requests = this.#columns(taken, means);
    release(taken, notTaken);
    const stays = keepOnly(requests.stay_us.slice(), Number.isFinite);
    const stayUs = nearestRank(stays.sort(), 500);
    release(stays);
    const bins = courseBins({ fromUs, toUs }, requests, refused, { mean: means, most: this.#inFlight.most() });
    this.#inFlight.release();
    const refusals = refused.due_us.length;
    release(...Object.values(refused));
    return {
      from_s: fromUs / 1e6,
      to_s: toUs / 1e6,
      end_s: Math.max(toUs, this.#endOfRunUs) / 1e6,
      bins,
      requests,
      taken: requests.due_us.length,
      refused: refusals,
      missed: sum(requests.missed),
      stay_s: stayUs === null ? null : stayUs / 1e6,
      judged_by: this.#hasSlo ? 'slo' : 'slow',
    };
  }

  /** The columns of these requests; what they are made of is gone afterwards, one by one. */
  #columns(order: Uint32Array<ArrayBuffer>, inFlight: OfSpan): CourseRequests {
    const column = (samples: Samples): Float64Array<ArrayBuffer> => {
      const picked = samples.pick(order);
      samples.release();
      return picked;
    };
    const flags = (samples: Samples): Uint8Array<ArrayBuffer> => {
      const picked = new Uint8Array(order.length);
      for (let i = 0; i < order.length; i++) picked[i] = samples.at(order[i] ?? 0);
      samples.release();
      return picked;
    };
    const whole = (samples: Samples): Uint32Array<ArrayBuffer> => {
      const picked = new Uint32Array(order.length);
      for (let i = 0; i < order.length; i++) picked[i] = samples.at(order[i] ?? 0);
      samples.release();
      return picked;
    };
    const [due_us, ttft_us] = [column(this.#dueUs), column(this.#ttftUs)];
    const in_flight = new Uint32Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const at = due_us[i] ?? 0;
      in_flight[i] = Math.round(inFlight(at - 1, at));
    }
    return {
      due_us,
      end_us: column(this.#endUs),
      timed_out: flags(this.#timedOut),
      missed: this.#hasSlo ? flags(this.#missed) : slow(ttft_us, column(this.#tpotUs)),
      ttft_us,
      stay_us: column(this.#staysUs),
      in_flight,
      prompt_tokens: whole(this.#promptTokens),
      output_tokens: whole(this.#outputTokens),
    };
  }
}

/** As the column `missed`, where there is no SLO. */
function slow(ttfts: Float64Array, tpots: Float64Array): Uint8Array<ArrayBuffer> {
  const over = (values: Float64Array, times: number): number =>
    times * (nearestRank(values.slice().sort(), 500) ?? Infinity);
  const [ttft, tpot] = [over(ttfts, SLOW_TTFT), over(tpots, SLOW_TPOT)];
  return new Uint8Array(ttfts.length).map((_, i) =>
    (ttfts[i] ?? 0) > ttft || (tpots[i] ?? 0) > tpot || ttfts[i] === Infinity ? 1 : 0,
  );
}
