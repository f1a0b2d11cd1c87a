import type { Engine, Load } from './engine.ts';

/** What vLLM and SGLang call the load of an engine. */
const NAMES = {
  vllm: {
    running: 'vllm:num_requests_running',
    waiting: 'vllm:num_requests_waiting',
    kvUsage: 'vllm:kv_cache_usage_perc',
    preemptions: 'vllm:num_preemptions_total',
    cacheQueries: 'vllm:prefix_cache_queries_total',
    cacheHits: 'vllm:prefix_cache_hits_total',
  },
  sglang: {
    running: 'sglang:num_running_reqs',
    waiting: 'sglang:num_queue_reqs',
    kvUsage: 'sglang:token_usage',
    preemptions: 'sglang:num_retracted_reqs',
    cacheHits: 'sglang:cached_tokens_total',
  },
} as const;

/** vLLM's histogram of the tokens that an iteration computes. */
export const ITERATION_TOKENS = 'vllm:iteration_tokens_total';

export type Labels = Readonly<Record<string, string>>;

export interface LoadFamily {
  readonly type: 'gauge' | 'counter';
  readonly name: string;
  readonly values: readonly { readonly labels: Labels; readonly value: number }[];
}

/** The labels of each instance: `engine`, as in vLLM with several engines, and the role where they have different ones. */
export function instanceLabels({ instances }: Pick<Engine, 'instances'>): Labels[] {
  return instances.map(({ role }, i) => ({ engine: String(i), ...(role === null ? {} : { role }) }));
}

/** The queue of a router that holds requests: they are at none of the instances. */
const ROUTER: Labels = { engine: 'router' };

/** The load of each instance at this moment; `labels` are those of `instanceLabels`. */
export function loadFamilies(engine: Engine, labels: readonly Labels[], dialect: keyof typeof NAMES): LoadFamily[] {
  const names = NAMES[dialect];
  const loads = engine.instances.map((instance) => instance.load());
  const family = (type: LoadFamily['type'], name: string, of: (load: Load) => number): LoadFamily => ({
    type,
    name,
    values: loads.map((load, i) => ({ labels: labels[i] ?? {}, value: of(load) })),
  });
  const waiting = family('gauge', names.waiting, (load) => load.waiting);
  const held = engine.load().waiting - loads.reduce((sum, load) => sum + load.waiting, 0);
  return [
    family('gauge', names.running, (load) => load.running),
    held === 0 ? waiting : { ...waiting, values: [...waiting.values, { labels: ROUTER, value: held }] },
    family('gauge', names.kvUsage, (load) => load.usedBlocks / load.capacityBlocks),
    family('counter', names.preemptions, (load) => load.preemptions),
    ...('cacheQueries' in names ? [family('counter', names.cacheQueries, (load) => load.queriedTokens)] : []),
    family('counter', names.cacheHits, (load) => load.hitTokens),
  ];
}
