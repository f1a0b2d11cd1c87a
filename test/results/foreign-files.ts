import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';

/** What happened to a request, in seconds, as a tool saw it. */
export interface Seen {
  /** From the start of the benchmark. */
  readonly sentS: number;
  /** From when it was due until it was sent. */
  readonly waitS: number;
  readonly ttftS: number;
  /** Between chunks. */
  readonly gapsS: readonly number[];
  readonly input: number;
  readonly output: number;
  /** Null: answered. */
  readonly error: string | null;
}

/** One every 100 ms, its first token after 50 ms and more, one chunk a token, every 10 ms and more. */
export function seenRequests(count: number, over: (i: number) => Partial<Seen> = () => ({})): Seen[] {
  return Array.from({ length: count }, (_, i) => {
    const output = 3 + (i % 5);
    const gapsS = Array.from({ length: output - 1 }, (_gap, k) => 0.01 + k * 0.001 + i * 0.0001);
    return {
      sentS: i * 0.1,
      waitS: 0,
      ttftS: 0.05 + i * 0.002,
      gapsS,
      input: 100 + i,
      output,
      error: null,
      ...over(i),
    };
  });
}

export const latencyS = ({ ttftS, gapsS }: Seen): number => ttftS + gapsS.reduce((sum, gap) => sum + gap, 0);

/** As Python writes JSON: NaN and Infinity are numbers there. */
export function python(value: unknown): string {
  const marked = JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? `@${each}@` : each,
  );
  return marked.replaceAll(/"@(NaN|-?Infinity)@"/g, '$1');
}

const listsOf = (requests: readonly Seen[]): Record<string, unknown> => ({
  input_lens: requests.map(({ input }) => input),
  output_lens: requests.map(({ output, error }) => (error === null ? output : 0)),
  ttfts: requests.map(({ ttftS, error }) => (error === null ? ttftS : 0)),
  itls: requests.map(({ gapsS, error }) => (error === null ? gapsS : [])),
  generated_texts: requests.map(() => 'text with "quotes", NaN and \\ in it'),
  errors: requests.map(({ error }) => error ?? ''),
});

/** A result of `vllm bench serve`; a key that is undefined is left out. */
export function vllmResult(requests: readonly Seen[], over: Record<string, unknown> = {}): Record<string, unknown> {
  const done = requests.filter(({ error }) => error === null);
  return {
    date: '20261129-011347',
    endpoint_type: 'openai',
    backend: 'openai',
    label: null,
    model_id: 'some/model',
    tokenizer_id: 'some/model',
    num_prompts: requests.length,
    request_rate: 10,
    burstiness: 1,
    max_concurrency: null,
    duration: 12.5,
    completed: done.length,
    failed: requests.length - done.length,
    total_input_tokens: 1,
    total_output_tokens: 1,
    request_throughput: 1,
    request_goodput: null,
    ...listsOf(requests),
    latencies: requests.map((each) => (each.error === null ? latencyS(each) : 0)),
    // A clock of its own.
    start_times: requests.map(({ sentS }) => 5000 + sentS),
    queue_times: requests.map(({ waitS }) => waitS),
    std_tpot_ms: Number.NaN,
    ...over,
  };
}

/** The same without the lists, as without --save-detailed. */
export function vllmAggregates(requests: readonly Seen[]): Record<string, unknown> {
  const lists = ['input_lens', 'output_lens', 'ttfts', 'itls', 'generated_texts', 'errors', 'start_times'];
  return Object.fromEntries(Object.entries(vllmResult(requests)).filter(([name]) => !lists.includes(name)));
}

/** A line of SGLang's `bench_serving --output-details`. */
export function sglangResult(requests: readonly Seen[], over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    tag: null,
    backend: 'sglang-oai',
    dataset_name: 'random',
    request_rate: 10,
    max_concurrency: null,
    random_input_len: 100,
    random_range_ratio: 0,
    server_info: { version: '0.5.23', model_path: 'some/model' },
    duration: 12.5,
    completed: requests.length,
    total_output_tokens_retokenized: 1,
    mean_e2e_latency_ms: 1,
    ...listsOf(requests),
    ...over,
  };
}

const EPOCH_S = 1_795_000_000;

/** The lines of AIPerf's profile_export.jsonl. */
export function aiperfLines(
  requests: readonly Seen[],
  over: (i: number) => { readonly metadata?: object; readonly metrics?: object } = () => ({}),
): object[] {
  const ns = (seconds: number): number => Math.round(seconds * 1e6) * 1000 + EPOCH_S * 1e9;
  return requests.map((each, i) => ({
    metadata: {
      session_num: i,
      x_request_id: `id-${i}`,
      x_correlation_id: `session-${i}`,
      conversation_id: `c-${i}`,
      turn_index: 0,
      credit_issued_ns: ns(each.sentS - each.waitS),
      request_start_ns: ns(each.sentS),
      request_ack_ns: null,
      request_end_ns: ns(each.sentS + latencyS(each)),
      worker_id: 'w',
      record_processor_id: 'p',
      benchmark_phase: 'profiling',
      was_cancelled: false,
      ...over(i).metadata,
    },
    metrics:
      each.error === null
        ? {
            time_to_first_token: { value: each.ttftS * 1000, unit: 'ms' },
            request_latency: { value: latencyS(each) * 1000, unit: 'ms' },
            inter_chunk_latency: { value: each.gapsS.map((gap) => gap * 1000), unit: 'ms' },
            input_sequence_length: { value: each.input, unit: 'tokens' },
            output_sequence_length: { value: each.output, unit: 'tokens' },
            ...over(i).metrics,
          }
        : { error_isl: { value: each.input, unit: 'tokens' } },
    ...(each.error === null ? {} : { error: { code: 503, type: 'Service Unavailable', message: each.error } }),
  }));
}

export function aiperfSummary(over: object = {}): object {
  return {
    schema_version: '1.5',
    aiperf_version: '0.13.0',
    request_latency: { unit: 'ms', avg: 1 },
    benchmark_duration: { unit: 'sec', avg: 12.5 },
    input_config: {
      endpoint: { type: 'chat', urls: ['http://user:secret@127.0.0.1:8000/?key=hidden'] },
      models: { items: [{ name: 'some/model' }] },
    },
    was_cancelled: false,
    ...over,
  };
}

/** A benchmark of a GuideLLM report, as versions from 0.4 on write it. */
export function guidellmBenchmark(
  requests: readonly Seen[],
  { type = 'poisson', incomplete = [] }: { type?: string; incomplete?: readonly Seen[] } = {},
): object {
  const at = (seconds: number): number => EPOCH_S + seconds;
  const of = (each: Seen, i: number, end: number | null): object => ({
    type_: 'generative_request_stats',
    request_id: `g-${i}`,
    info: {
      status: 'completed',
      conversation_id: null,
      turn_index: 0,
      timings: {
        targeted_start: at(each.sentS - each.waitS),
        queued: at(0),
        resolve_start: at(each.sentS),
        request_start: at(each.sentS),
        first_token_iteration: each.error === null ? at(each.sentS + each.ttftS) : null,
        last_token_iteration: each.error === null ? at(each.sentS + latencyS(each)) : null,
        token_iterations: each.error === null ? each.output : 0,
        request_end: end,
        resolve_end: at(each.sentS + latencyS(each)),
      },
      error: each.error,
    },
    input_metrics: { text_tokens: each.input, total_tokens: each.input, cached_tokens: 0 },
    output_metrics: { text_tokens: each.output, total_tokens: each.output },
  });
  const list = (some: readonly Seen[], from: number, ends: boolean): object[] =>
    some.map((each, i) => of(each, from + i, ends ? at(each.sentS + latencyS(each)) : null));
  return {
    type_: 'generative_benchmark',
    config: {
      strategy: { type_: type, rate: 10 },
      sample_size: null,
      backend: { kind: 'openai_http', target: 'http://127.0.0.1:8000', model: 'some/model' },
    },
    duration: 12.5,
    requests: {
      successful: list(
        requests.filter(({ error }) => error === null),
        0,
        true,
      ),
      errored: list(
        requests.filter(({ error }) => error !== null),
        1000,
        true,
      ),
      incomplete: list(incomplete, 2000, false),
      total: null,
    },
  };
}

/** The same as versions before 0.4 write it. */
export function oldGuidellmBenchmark(requests: readonly Seen[]): object {
  return {
    args: { strategy: { type_: 'constant', rate: 10 } },
    worker: { backend_target: 'http://127.0.0.1:8000', backend_model: 'some/model' },
    requests: {
      successful: requests.map((each, i) => ({
        request_id: `g-${i}`,
        scheduler_info: { targeted_start_time: EPOCH_S + each.sentS - each.waitS },
        prompt_tokens: each.input,
        output_tokens: each.output,
        start_time: EPOCH_S + each.sentS,
        end_time: EPOCH_S + each.sentS + latencyS(each),
        first_token_time: EPOCH_S + each.sentS + each.ttftS,
        last_token_time: EPOCH_S + each.sentS + latencyS(each),
      })),
      incomplete: [],
      errored: [],
    },
  };
}

/** A report of version 0.1, each list of requests a benchmark of it. */
export function firstGuidellmReport(...benchmarks: (readonly Seen[])[]): object {
  const request = (i: number): object => ({ id: `g-${i}`, prompt: 'x', params: {} });
  return {
    benchmarks: [
      {
        args: { target: 'http://127.0.0.1:8000', model: 'some/model', mode: 'constant' },
        benchmarks: benchmarks.map((requests) => ({
          mode: 'asynchronous',
          rate: 10,
          results: requests.flatMap((each, i) =>
            each.error !== null
              ? []
              : [
                  {
                    request: request(i),
                    prompt_token_count: each.input,
                    output_token_count: each.output,
                    start_time: EPOCH_S + each.sentS,
                    end_time: EPOCH_S + each.sentS + latencyS(each),
                    first_token_time: each.ttftS,
                    decode_times: { data: each.gapsS },
                  },
                ],
          ),
          errors: requests.flatMap(({ error }, i) =>
            error === null ? [] : [{ request: request(i), message: `Error code: 503 - ${error}` }],
          ),
          concurrencies: [],
        })),
      },
    ],
  };
}

/** As YAML, which is written as Python does. */
export function yaml(value: unknown): string {
  return stringify(JSON.parse(JSON.stringify(value)));
}

export function guidellmReport(...benchmarks: object[]): object {
  return { metadata: { version: 2, guidellm_version: '0.8.1' }, config: {}, benchmarks, conclusions: [] };
}

export function writeLines(path: string, values: readonly unknown[]): void {
  writeFileSync(path, values.map((value) => `${python(value)}\n`).join(''));
}
