import { meanRate } from '../core/rate.ts';
import { type Outcome, OUTCOMES, type RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { FailureCounts } from './failures.ts';
import { InputDeviation } from './input-deviation.ts';
import { LumpCollector } from './lumps.ts';
import { OutputCollector } from './outputs.ts';
import { lengthStats } from './lengths.ts';
import { WholeCounts } from './whole-counts.ts';

/** Planned and delivered load: counts, lengths, and the times of the first due, last sent and last ended request. */
export class TrafficCollector {
  readonly #outcomes = new Map<Outcome, number>();
  readonly #plannedInput = new WholeCounts();
  readonly #plannedOutput = new WholeCounts();
  readonly #input = new WholeCounts();
  readonly #output = new WholeCounts();
  readonly #deviation = new InputDeviation();
  readonly #outputs = new OutputCollector();
  readonly #lumps = new LumpCollector();
  readonly #failures = new FailureCounts();
  #scheduled = 0;
  #stopped = 0;
  #stoppedInFlight = 0;
  /** Of requests whose responses report both counts. */
  #cachedTokens = 0;
  #cacheableTokens = 0;
  /** Planned input tokens of those ok requests whose input tokens the server counted, and how many have a plan. */
  #askedInputTokens = 0;
  #askedInputs = 0;
  #sent = 0;
  #due = 0;
  #firstDueUs = Number.POSITIVE_INFINITY;
  #lastDueUs = Number.NEGATIVE_INFINITY;
  #firstSentUs = Number.POSITIVE_INFINITY;
  #lastSentUs = Number.NEGATIVE_INFINITY;
  #lastEndUs = Number.NEGATIVE_INFINITY;

  /** `isStopped`: the record says nothing, because the run was interrupted first. */
  add(record: RequestRecord, isStopped = false): void {
    this.#scheduled++;
    if (isStopped) {
      this.#stopped++;
      if (record.outcome === 'cut') this.#stoppedInFlight++;
    } else if (record.outcome !== 'ok') this.#failures.add(record);
    this.#outcomes.set(record.outcome, (this.#outcomes.get(record.outcome) ?? 0) + 1);
    if (record.input_tokens_planned !== null) this.#plannedInput.push(record.input_tokens_planned);
    if (record.output_tokens_planned !== null) this.#plannedOutput.push(record.output_tokens_planned);
    if (record.outcome !== 'unsent' || !isStopped) {
      this.#due++;
      this.#firstDueUs = Math.min(this.#firstDueUs, record.due_us);
      this.#lastDueUs = Math.max(this.#lastDueUs, record.due_us);
    }
    if (record.sent_us !== null) {
      this.#sent++;
      this.#firstSentUs = Math.min(this.#firstSentUs, record.sent_us);
      this.#lastSentUs = Math.max(this.#lastSentUs, record.sent_us);
    }
    if (record.end_us !== null) this.#lastEndUs = Math.max(this.#lastEndUs, record.end_us);
    if (record.outcome !== 'ok') return;
    this.#deviation.add(record);
    this.#outputs.add(record);
    this.#lumps.add(record);
    if (record.input_tokens !== null) {
      this.#input.push(record.input_tokens);
      if (record.input_tokens_planned !== null) {
        this.#askedInputs++;
        this.#askedInputTokens += record.input_tokens_planned;
      }
    }
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
    return {
      scheduled: this.#scheduled,
      sent: this.#sent,
      ok,
      failed: this.#scheduled - ok - this.#stopped,
      stopped: this.#stopped,
      stopped_in_flight: this.#stoppedInFlight,
      by_outcome,
      failures: this.#failures.result(),
    };
  }

  plannedLengths(): Pick<Summary['workload'], 'input_tokens' | 'output_tokens'> {
    return { input_tokens: lengthStats(this.#plannedInput), output_tokens: lengthStats(this.#plannedOutput) };
  }

  #sentRate(): number {
    return meanRate(this.#sent, this.#firstSentUs, this.#lastSentUs) ?? 0;
  }

  /** Of the requests that were due. */
  plannedRate(): number {
    return meanRate(this.#due, this.#firstDueUs, this.#lastDueUs) ?? 0;
  }

  delivered(cachedTokens: Summary['delivered']['cached_tokens']): Summary['delivered'] {
    const [askedS, gotS] = [seconds(this.#firstDueUs, this.#lastDueUs), seconds(this.#firstSentUs, this.#lastSentUs)];
    const outputs = this.#outputs.result();
    const [input, output] = [lengthStats(this.#input), lengthStats(this.#output)];
    return {
      asked: {
        requests: this.#due,
        duration_s: askedS,
        rate_rps: this.plannedRate(),
        input_tokens_mean: this.#askedInputs === 0 ? null : this.#askedInputTokens / this.#askedInputs,
        output_tokens_mean: outputs?.asked_mean ?? null,
        cached_tokens: cachedTokens?.allowed ?? null,
      },
      got: {
        requests: this.#outcomes.get('ok') ?? 0,
        duration_s: gotS,
        rate_rps: this.#sentRate(),
        input_tokens_mean: input?.mean ?? null,
        output_tokens_mean: outputs?.got_mean ?? output?.mean ?? null,
        cached_tokens: cachedTokens?.cached ?? null,
      },
      duration_s: seconds(this.#firstDueUs, this.#lastEndUs),
      // Over the time of sending, as the planned rate is: a long last response does not make the load lighter.
      rate_rps: this.#sentRate(),
      input_tokens: input,
      output_tokens: output,
      input_deviation_tokens: this.#deviation.result(),
      outputs,
      lumps: this.#lumps.result(),
      cached_tokens: cachedTokens,
      prefix_reuse: this.#cacheableTokens === 0 ? null : this.#cachedTokens / this.#cacheableTokens,
    };
  }

  /** Of requests that ended `ok`, over the time from the first due to the last end. */
  throughput(durationS: number): Omit<Summary['throughput'], 'good_requests_per_s'> {
    const ok = this.#outcomes.get('ok') ?? 0;
    return {
      requests_per_s: perSecond(ok, durationS),
      input_tokens_per_s: ok > 0 && this.#input.n === 0 ? null : perSecond(this.#input.sorted().sum, durationS),
      output_tokens_per_s: perSecond(this.#output.sorted().sum, durationS),
    };
  }
}

function seconds(fromUs: number, toUs: number): number {
  return toUs > fromUs && Number.isFinite(toUs - fromUs) ? (toUs - fromUs) / 1e6 : 0;
}

export function perSecond(count: number, durationS: number): number {
  return durationS > 0 ? count / durationS : 0;
}
