import type { RequestRecord } from '../../src/core/record.ts';
import { type Limits, SLO_METRICS } from '../../src/core/slo.ts';
import { meets } from '../../src/metrics/judge.ts';
import { keepOnly } from '../../src/metrics/keep-only.ts';
import { e2eUs, isAnswered, missingOutputTokens, tpotBetweenUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { Samples } from '../../src/metrics/samples.ts';

type Column = Float64Array<ArrayBuffer>;

/**
 * The measured requests of charts of latency, which all read these columns: each holds a value of each answered request,
 * in order of `add`. Of failed ones there is what the maps draw. A run has millions of requests, and latencies are kept as
 * the whole numbers that they are made of.
 */
export class LatencyRequests {
  readonly #others: readonly (readonly [metric: (typeof SLO_METRICS)[number], limitMs: number])[];
  readonly #dueUs = new Samples();
  readonly #ttftUs = new Samples();
  /** From the first token to the last. */
  readonly #decodeUs = new Samples();
  readonly #tokens = new Samples();
  readonly #e2eUs = new Samples();
  /** -1: not known. */
  readonly #inputTokens = new Samples();
  readonly #meetsOthers = new Samples();
  readonly #failedDueUs = new Samples();
  readonly #failedInputTokens = new Samples();
  readonly #failedSentUs = new Samples();
  #missingTokens = 0;

  /** `slo`: that of all requests; its limits beside TTFT and TPOT are judged here. */
  constructor(slo: Limits) {
    this.#others = SLO_METRICS.flatMap((metric) => {
      const limitMs = slo[metric];
      return limitMs === undefined || metric === 'ttft' || metric === 'tpot' ? [] : [[metric, limitMs]];
    });
  }

  add(record: RequestRecord): void {
    const { token_times_us: times, input_tokens_planned, sent_us } = record;
    if (!isAnswered(record)) {
      this.#missingTokens += missingOutputTokens(record);
      this.#failedDueUs.push(record.due_us);
      if (input_tokens_planned !== null) this.#failedInputTokens.push(input_tokens_planned);
      if (sent_us !== null) this.#failedSentUs.push(sent_us);
      return;
    }
    this.#dueUs.push(record.due_us);
    this.#ttftUs.push(ttftUs(record));
    this.#decodeUs.push((times.at(-1) ?? 0) - ttftUs(record));
    this.#tokens.push(times.length);
    this.#e2eUs.push(e2eUs(record));
    this.#inputTokens.push(input_tokens_planned ?? record.input_tokens ?? -1);
    this.#meetsOthers.push(this.#others.every(([metric, limitMs]) => meets(record, metric, limitMs)) ? 1 : 0);
  }

  get answered(): number {
    return this.#dueUs.length;
  }

  get failed(): number {
    return this.#failedDueUs.length;
  }

  /** Planned tokens of failed requests that did not come. */
  get missingTokens(): number {
    return this.#missingTokens;
  }

  dueUs(): Column {
    return this.#dueUs.values();
  }

  ttftUs(): Column {
    return this.#ttftUs.values();
  }

  /** NaN of a single token. */
  tpotUs(): Column {
    const us = this.#decodeUs.values();
    for (let i = 0; i < us.length; i++) us[i] = tpotBetweenUs(0, us[i] ?? 0, this.#tokens.at(i)) ?? Number.NaN;
    return us;
  }

  e2eUs(): Column {
    return this.#e2eUs.values();
  }

  /** Times of the last token, from the run's start. */
  lastUs(): Column {
    const us = this.#dueUs.values();
    for (let i = 0; i < us.length; i++) us[i] = (us[i] ?? 0) + this.#ttftUs.at(i) + this.#decodeUs.at(i);
    return us;
  }

  /** As planned, or as the server counted them; NaN where neither is known. */
  inputTokens(): Column {
    const tokens = this.#inputTokens.values();
    for (let i = 0; i < tokens.length; i++) if ((tokens[i] ?? 0) < 0) tokens[i] = Number.NaN;
    return tokens;
  }

  /** The front of a column, which then has the values of those that meet the limits beside TTFT and TPOT. */
  within(column: Column): Column {
    if (this.#others.length === 0) return column;
    return keepOnly(column, (_, i) => this.#meetsOthers.at(i) === 1);
  }

  failedDueUs(): Column {
    return this.#failedDueUs.values();
  }

  /** Planned input tokens of those failed requests that have them. */
  failedInputTokens(): Column {
    return this.#failedInputTokens.values();
  }

  /** Send times of those failed requests that were sent. */
  failedSentUs(): Column {
    return this.#failedSentUs.values();
  }

  /** Nothing more is asked. */
  release(): void {
    const answered = [this.#dueUs, this.#ttftUs, this.#decodeUs, this.#tokens, this.#e2eUs];
    const failed = [this.#failedDueUs, this.#failedInputTokens, this.#failedSentUs];
    for (const column of [...answered, this.#inputTokens, this.#meetsOthers, ...failed]) column.release();
  }
}
