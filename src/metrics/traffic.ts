import { meanRate } from '../core/rate.ts';
import { type Outcome, OUTCOMES, type RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { InputDeviation } from './input-deviation.ts';
import { lengthStats } from './lengths.ts';
import { Samples, sum } from './samples.ts';

/** Planned and delivered load: counts, lengths, and the times of the first due, last sent and last ended request. */
export class TrafficCollector {
  readonly #outcomes = new Map<Outcome, number>();
  readonly #plannedInput = new Samples();
  readonly #plannedOutput = new Samples();
  readonly #input = new Samples();
  readonly #output = new Samples();
  readonly #deviation = new InputDeviation();
  #scheduled = 0;
  /** Of requests whose responses report both counts. */
  #cachedTokens = 0;
  #cacheableTokens = 0;
  #sent = 0;
  #firstDueUs = Number.POSITIVE_INFINITY;
  #lastDueUs = Number.NEGATIVE_INFINITY;
  #firstSentUs = Number.POSITIVE_INFINITY;
  #lastSentUs = Number.NEGATIVE_INFINITY;
  #lastEndUs = Number.NEGATIVE_INFINITY;

  add(record: RequestRecord): void {
    this.#scheduled++;
    this.#outcomes.set(record.outcome, (this.#outcomes.get(record.outcome) ?? 0) + 1);
    if (record.input_tokens_planned !== null) this.#plannedInput.push(record.input_tokens_planned);
    if (record.output_tokens_planned !== null) this.#plannedOutput.push(record.output_tokens_planned);
    this.#firstDueUs = Math.min(this.#firstDueUs, record.due_us);
    this.#lastDueUs = Math.max(this.#lastDueUs, record.due_us);
    if (record.sent_us !== null) {
      this.#sent++;
      this.#firstSentUs = Math.min(this.#firstSentUs, record.sent_us);
      this.#lastSentUs = Math.max(this.#lastSentUs, record.sent_us);
    }
    if (record.end_us !== null) this.#lastEndUs = Math.max(this.#lastEndUs, record.end_us);
    if (record.outcome !== 'ok') return;
    this.#deviation.add(record);
    if (record.input_tokens !== null) this.#input.push(record.input_tokens);
    this.#output.push(record.output_tokens ?? record.token_times_us.length);
    if (record.cached_tokens === null || record.input_tokens === null) return;
    this.#cachedTokens += record.cached_tokens;
    this.#cacheableTokens += record.input_tokens;
  }

  requests(): Summary['requests'] {
    const by_outcome: Partial<Record<Outcome, number>> = {};
    for (const outcome of OUTCOMES) {
      const count = this.#outcomes.get(outcome);
      if (count !== undefined) by_outcome[outcome] = count;
    }
    const ok = by_outcome.ok ?? 0;
    return { scheduled: this.#scheduled, sent: this.#sent, ok, failed: this.#scheduled - ok, by_outcome };
  }

  plannedLengths(): Pick<Summary['workload'], 'input_tokens' | 'output_tokens'> {
    return { input_tokens: lengthStats(this.#plannedInput), output_tokens: lengthStats(this.#plannedOutput) };
  }

  plannedRate(): number {
    return meanRate(this.#scheduled, this.#firstDueUs, this.#lastDueUs) ?? 0;
  }

  delivered(): Summary['delivered'] {
    return {
      duration_s: seconds(this.#firstDueUs, this.#lastEndUs),
      // Over the time of sending, as the planned rate is: a long last response does not make the load lighter.
      rate_rps: meanRate(this.#sent, this.#firstSentUs, this.#lastSentUs) ?? 0,
      input_tokens: lengthStats(this.#input),
      output_tokens: lengthStats(this.#output),
      input_deviation_tokens: this.#deviation.result(),
      prefix_reuse: this.#cacheableTokens === 0 ? null : this.#cachedTokens / this.#cacheableTokens,
    };
  }

  /** Of requests that ended `ok`, over the time from the first due to the last end. */
  throughput(durationS: number): Omit<Summary['throughput'], 'good_requests_per_s'> {
    const ok = this.#outcomes.get('ok') ?? 0;
    return {
      requests_per_s: perSecond(ok, durationS),
      input_tokens_per_s: ok > 0 && this.#input.length === 0 ? null : perSecond(sum(this.#input.sorted()), durationS),
      output_tokens_per_s: perSecond(sum(this.#output.sorted()), durationS),
    };
  }
}

function seconds(fromUs: number, toUs: number): number {
  return toUs > fromUs && Number.isFinite(toUs - fromUs) ? (toUs - fromUs) / 1e6 : 0;
}

export function perSecond(count: number, durationS: number): number {
  return durationS > 0 ? count / durationS : 0;
}
