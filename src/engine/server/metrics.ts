import type { Completion, Engine, Listener } from '../engine.ts';
import { Histogram } from './histogram.ts';

/** vLLM's bounds, seconds. */
const TTFT_BOUNDS_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const ITL_BOUNDS_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const E2E_BOUNDS_S = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const QUEUE_BOUNDS_S = E2E_BOUNDS_S;

/**
 * What `GET /metrics` tells, under vLLM's names. Times are the engine's own, from arrival to the end of iterations; a
 * token costs some additions.
 */
export class ServerMetrics {
  readonly #engine: Engine;
  readonly #labels: string;
  readonly #ttft = new Histogram(TTFT_BOUNDS_S);
  readonly #itl = new Histogram(ITL_BOUNDS_S);
  readonly #e2e = new Histogram(E2E_BOUNDS_S);
  readonly #queue = new Histogram(QUEUE_BOUNDS_S);
  readonly #ended = { stop: 0, length: 0, abort: 0 };
  #promptTokens = 0;
  #generationTokens = 0;

  constructor(engine: Engine, modelName: string) {
    this.#engine = engine;
    this.#labels = `engine="0",model_name="${modelName.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
  }

  /** A listener between the engine and `listener` that counts what passes. */
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

  /** A client has gone before its answer was whole. */
  aborted(): void {
    this.#ended.abort++;
  }

  /** All of it in Prometheus' text format 0.0.4. */
  text(): string {
    const load = this.#engine.load();
    const labels = this.#labels;
    const one = (type: string, name: string, value: number): string =>
      `# TYPE ${name} ${type}\n${name}{${labels}} ${value}\n`;
    const histogram = (name: string, values: Histogram): string =>
      `# TYPE ${name} histogram\n${values.text(name, labels)}`;
    return [
      one('gauge', 'vllm:num_requests_running', load.running),
      one('gauge', 'vllm:num_requests_waiting', load.waiting),
      one('gauge', 'vllm:kv_cache_usage_perc', load.usedBlocks / load.capacityBlocks),
      one('counter', 'vllm:num_preemptions_total', load.preemptions),
      one('counter', 'vllm:prompt_tokens_total', this.#promptTokens),
      one('counter', 'vllm:generation_tokens_total', this.#generationTokens),
      one('counter', 'vllm:prefix_cache_queries_total', load.queriedTokens),
      one('counter', 'vllm:prefix_cache_hits_total', load.hitTokens),
      '# TYPE vllm:request_success_total counter\n',
      ...Object.entries(this.#ended).map(
        ([reason, count]) => `vllm:request_success_total{${labels},finished_reason="${reason}"} ${count}\n`,
      ),
      histogram('vllm:time_to_first_token_seconds', this.#ttft),
      histogram('vllm:inter_token_latency_seconds', this.#itl),
      histogram('vllm:e2e_request_latency_seconds', this.#e2e),
      histogram('vllm:request_queue_time_seconds', this.#queue),
    ].join('');
  }
}
