/** One value of a server's `/metrics`. */
export interface ServerSample {
  /** As the server writes it. */
  readonly name: string;
  /** JSON of an object of texts, names sorted: equal texts are the same series. */
  readonly labels: string;
  readonly value: number;
}

/** The metrics of a target at one time, of all its `/metrics` pages. */
export interface Scrape {
  /** From the run's start; below 0 before it. */
  readonly timeUs: number;
  /** Null if not every page could be read then: a total of the others would be none. */
  readonly samples: readonly ServerSample[] | null;
}

/** Labels of all that a page tells, where a target has several: the position of the page's endpoint. */
export function endpointLabels(position: number): Readonly<Record<string, string>> {
  return { endpoint: String(position) };
}

/** The endpoint whose page told a value; empty where the target has one. */
function endpointOf({ labels }: ServerSample): string {
  return /"endpoint":"(\d+)"/.exec(labels)?.[1] ?? '';
}

/** Gauges; counters, of the cache in tokens; a histogram of tokens, and of seconds. */
export type ServerMetric =
  | 'running'
  | 'waiting'
  | 'kv_usage'
  | 'hit_rate'
  | 'cache_queries'
  | 'cache_hits'
  | 'preemptions'
  | 'iteration_tokens'
  | 'ttft'
  | 'itl'
  | 'queue';

/**
 * What we call a metric, and what servers call it, old and new: of several names that a server tells, the first counts.
 * Without the `_total` of counters, which some versions leave out.
 */
const NAMES: ReadonlyMap<ServerMetric, readonly string[]> = new Map([
  ['running', ['vllm:num_requests_running', 'sglang:num_running_reqs']],
  ['waiting', ['vllm:num_requests_waiting', 'vllm:num_requests_waiting_by_reason', 'sglang:num_queue_reqs']],
  ['kv_usage', ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'sglang:token_usage']],
  // Over a window of the server's own: never to be differenced.
  ['hit_rate', ['sglang:cache_hit_rate']],
  ['cache_queries', ['vllm:prefix_cache_queries', 'vllm:gpu_prefix_cache_queries', 'sglang:prompt_tokens']],
  ['cache_hits', ['vllm:prefix_cache_hits', 'vllm:gpu_prefix_cache_hits', 'sglang:cached_tokens']],
  ['preemptions', ['vllm:num_preemptions']],
  // The histogram's own name, which ends like a counter's.
  ['iteration_tokens', ['vllm:iteration_tokens_total']],
  ['ttft', ['vllm:time_to_first_token_seconds', 'sglang:time_to_first_token_seconds']],
  [
    'itl',
    [
      'vllm:inter_token_latency_seconds',
      'vllm:time_per_output_token_seconds',
      'sglang:inter_token_latency_seconds',
      'sglang:time_per_output_token_seconds',
    ],
  ],
  ['queue', ['vllm:request_queue_time_seconds', 'sglang:queue_time_seconds']],
]);

/** Kept in `server.parquet` for whoever asks, and in no figure of ours. */
const ALSO_KEPT = [
  'vllm:prompt_tokens',
  'vllm:prompt_tokens_cached',
  'vllm:generation_tokens',
  'vllm:request_success',
  'vllm:external_prefix_cache_hits',
  'vllm:external_prefix_cache_queries',
  'vllm:spec_decode_num_drafts',
  'vllm:spec_decode_num_draft_tokens',
  'vllm:spec_decode_num_accepted_tokens',
  'vllm:spec_decode_num_accepted_tokens_per_pos',
  'vllm:request_time_per_output_token_seconds',
  'vllm:e2e_request_latency_seconds',
  'vllm:request_prefill_time_seconds',
  'vllm:request_decode_time_seconds',
  'vllm:request_inference_time_seconds',
  'vllm:request_prompt_tokens',
  'vllm:request_generation_tokens',
  'vllm:cache_config_info',
  'vllm:lora_requests_info',
  'sglang:num_used_tokens',
  'sglang:gen_throughput',
  'sglang:generation_tokens',
  'sglang:num_retracted_reqs',
  'sglang:e2e_request_latency_seconds',
  'sglang:spec_accept_length',
];

interface Known {
  /** Null: kept alone. */
  readonly metric: ServerMetric | null;
  /** Smaller: preferred. */
  readonly rank: number;
}

const KNOWN: ReadonlyMap<string, Known> = new Map([
  ...[...NAMES].flatMap(([metric, names]) => names.map((name, rank): [string, Known] => [name, { metric, rank }])),
  ...ALSO_KEPT.map((name): [string, Known] => [name, { metric: null, rank: 0 }]),
]);

/** Whether a value of this name is kept. */
export function isKept(name: string): boolean {
  return knownOf(name) !== undefined;
}

/** The values of a scrape by our name of the metric: at each endpoint those under one of the server's names alone. */
export function byMetric(samples: readonly ServerSample[]): ReadonlyMap<ServerMetric, readonly ServerSample[]> {
  const found = new Map<string, { metric: ServerMetric; rank: number; samples: ServerSample[] }>();
  for (const sample of samples) {
    const { metric = null, rank = 0 } = knownOf(sample.name) ?? {};
    if (metric === null) continue;
    const key = metric + endpointOf(sample);
    const before = found.get(key);
    if (before === undefined || rank < before.rank) found.set(key, { metric, rank, samples: [sample] });
    else if (rank === before.rank) before.samples.push(sample);
  }
  const all = new Map<ServerMetric, ServerSample[]>();
  for (const { metric, samples: of } of found.values()) all.set(metric, [...(all.get(metric) ?? []), ...of]);
  return all;
}

function knownOf(name: string): Known | undefined {
  return KNOWN.get(name) ?? KNOWN.get(name.replace(/_(?:total|bucket|sum|count)$/, ''));
}
