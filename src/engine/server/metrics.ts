import type { Completion, Engine, Listener } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import { instanceLabels, ITERATION_TOKENS, loadFamilies, type Labels } from '../load-metrics.ts';

/** vLLM's bucket bounds, seconds. */
const TTFT_BOUNDS_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const ITL_BOUNDS_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const E2E_BOUNDS_S = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const QUEUE_BOUNDS_S = E2E_BOUNDS_S;
/** And its bounds of an iteration's tokens. */
const ITERATION_BOUNDS = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

const NAMES = {
  vllm: {
    promptTokens: 'vllm:prompt_tokens_total',
    generationTokens: 'vllm:generation_tokens_total',
    ended: 'vllm:request_success_total',
    ttft: 'vllm:time_to_first_token_seconds',
    itl: 'vllm:inter_token_latency_seconds',
    e2e: 'vllm:e2e_request_latency_seconds',
    queue: 'vllm:request_queue_time_seconds',
  },
  sglang: {
    promptTokens: 'sglang:prompt_tokens_total',
    generationTokens: 'sglang:generation_tokens_total',
    ttft: 'sglang:time_to_first_token_seconds',
    itl: 'sglang:inter_token_latency_seconds',
    e2e: 'sglang:e2e_request_latency_seconds',
    queue: 'sglang:queue_time_seconds',
  },
} as const;

/** Tokens of the iterations that each instance of an engine runs. */
export class IterationTokens {
  readonly #byInstance = new Map<string, Histogram>();

  readonly watch: IterationWatch = (instance, slot) => this.of(instance).observe(slot.work.newTokens);

  of(instance: string): Histogram {
    const known = this.#byInstance.get(instance);
    if (known !== undefined) return known;
    const created = new Histogram(ITERATION_BOUNDS);
    this.#byInstance.set(instance, created);
    return created;
  }
}

/**
 * Counters and histograms of `GET /metrics`. Times are those of the engine's clock, from a request's arrival to the end
 * of an iteration; a token costs some additions.
 */
export class ServerMetrics {
  readonly #engine: Engine;
  readonly #iterationTokens: IterationTokens;
  readonly #model: string;
  /** Of each instance. */
  readonly #instances: readonly Labels[];
  /** Of what is counted for the whole server. */
  readonly #labels: string;
  readonly #ttft = new Histogram(TTFT_BOUNDS_S);
  readonly #itl = new Histogram(ITL_BOUNDS_S);
  readonly #e2e = new Histogram(E2E_BOUNDS_S);
  readonly #queue = new Histogram(QUEUE_BOUNDS_S);
  readonly #ended = { stop: 0, length: 0, abort: 0 };
  #promptTokens = 0;
  #generationTokens = 0;

  constructor(engine: Engine, modelName: string, iterationTokens: IterationTokens) {
    this.#engine = engine;
    this.#iterationTokens = iterationTokens;
    this.#model = modelName;
    this.#instances = instanceLabels(engine);
    this.#labels = this.#text(this.#instances.length === 1 ? { engine: '0' } : {});
  }

  /** Wraps the listener of one request, to count its tokens and measure its times; `arrivalUs` of the engine's clock. */
  watch(listener: Listener, inputTokens: number, arrivalUs: number): Listener {
    let lastUs = Number.NaN;
    return {
      tokens: (timeUs, count) => {
        this.#generationTokens += count;
        if (Number.isNaN(lastUs)) {
          this.#promptTokens += inputTokens;
          this.#ttft.observe((timeUs - arrivalUs) / 1e6);
        } else this.#itl.observe((timeUs - lastUs) / 1e6);
        lastUs = timeUs;
        listener.tokens(timeUs, count);
      },
      end: (timeUs: number, completion: Completion) => {
        this.#ended[completion.finishReason]++;
        this.#e2e.observe((timeUs - arrivalUs) / 1e6);
        this.#queue.observe((completion.phases.prefill_queue_us ?? 0) / 1e6);
        listener.end(timeUs, completion);
      },
      reject: (status, message) => listener.reject(status, message),
    };
  }

  /** Counts a client that has disconnected before its response was complete. */
  aborted(): void {
    this.#ended.abort++;
  }

  /** The page in Prometheus' text format 0.0.4, with vLLM's or SGLang's names. */
  text(dialect: 'vllm' | 'sglang'): string {
    const names = NAMES[dialect];
    const labels = this.#labels;
    const one = (type: string, name: string, value: number): string =>
      `# TYPE ${name} ${type}\n${name}{${labels}} ${value}\n`;
    const histogram = (name: string, values: Histogram): string =>
      `# TYPE ${name} histogram\n${values.text(name, labels)}`;
    return [
      ...loadFamilies(this.#engine, this.#instances, dialect).flatMap(({ type, name, values }) => [
        `# TYPE ${name} ${type}\n`,
        ...values.map((of) => `${name}{${this.#text(of.labels)}} ${of.value}\n`),
      ]),
      one('counter', names.promptTokens, this.#promptTokens),
      one('counter', names.generationTokens, this.#generationTokens),
      ...('ended' in names
        ? [
            `# TYPE ${names.ended} counter\n`,
            ...Object.entries(this.#ended).map(
              ([reason, count]) => `${names.ended}{${labels},finished_reason="${reason}"} ${count}\n`,
            ),
          ]
        : []),
      histogram(names.ttft, this.#ttft),
      histogram(names.itl, this.#itl),
      histogram(names.e2e, this.#e2e),
      histogram(names.queue, this.#queue),
      ...(dialect === 'vllm' ? this.#iterations() : []),
    ].join('');
  }

  #iterations(): string[] {
    return [
      `# TYPE ${ITERATION_TOKENS} histogram\n`,
      ...this.#engine.instances.map(({ name }, i) =>
        this.#iterationTokens.of(name).text(ITERATION_TOKENS, this.#text(this.#instances[i] ?? {})),
      ),
    ];
  }

  /** Labels in Prometheus' text format, without braces. */
  #text(labels: Labels): string {
    return Object.entries({ ...labels, model_name: this.#model })
      .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
      .join(',');
  }
}

/** A histogram as Prometheus defines it: a count up to each bound, the sum and the total count. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** By bound; the last count is of values above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` ascending, in the unit of the values. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let i = 0;
    while (i < this.#bounds.length && value > (this.#bounds[i] ?? 0)) i++;
    this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    this.#sum += value;
  }

  /** Its lines in Prometheus' text format; `labels` without braces. */
  text(name: string, labels: string): string {
    let total = 0;
    const lines = this.#counts.map((count, i) => {
      total += count;
      return `${name}_bucket{${labels},le="${this.#bounds[i] ?? '+Inf'}"} ${total}\n`;
    });
    return `${lines.join('')}${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${total}\n`;
  }
}
