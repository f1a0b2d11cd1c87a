import { UserError } from '../core/errors.ts';

/** What a JSON value of a result file is, by its keys. */
export type Kind = 'vllm' | 'sglang' | 'aiperf-record' | 'aiperf-summary' | 'guidellm';

const KNOWN =
  'what is read: vllm bench serve --save-result --save-detailed, SGLang bench_serving --output-details, AIPerf profile_export.jsonl, GuideLLM benchmarks.json';

/** Keys that SGLang's result has and vLLM's has not, in any version. */
const OF_SGLANG = ['total_output_tokens_retokenized', 'mean_e2e_latency_ms', 'random_range_ratio'];
/** The other way round. They decide: `vllm bench serve --metadata` adds keys of any name. */
const OF_VLLM = ['model_id', 'tokenizer_id', 'num_prompts'];

/**
 * Whose result a JSON value is. Throws a UserError for one that has no requests in it, with what to add to the command
 * that made it, and for any other.
 */
export function kindOf(json: unknown, where: string): Kind {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UserError(
      `${where}: no result: ${Array.isArray(json) ? 'a list' : json === null ? 'null' : `a ${typeof json}`}; ${KNOWN}`,
    );
  const keys = new Set(Object.keys(json));
  const has = (...names: string[]): boolean => names.every((name) => keys.has(name));
  const metadata: unknown = Object.entries(json).find(([name]) => name === 'metadata')?.[1];
  if (typeof metadata === 'object' && metadata !== null && 'request_start_ns' in metadata) {
    if (has('metrics') || (has('error') && !has('payload'))) return 'aiperf-record';
    throw new UserError(
      `${where}: AIPerf's raw records, without metrics; give profile_export.jsonl, which is beside it`,
    );
  }
  if (has('benchmarks')) return 'guidellm';
  if (has('aiperf_version') || has('input_config', 'request_latency')) return 'aiperf-summary';
  if (OF_SGLANG.some((name) => has(name)) && !OF_VLLM.every((name) => has(name)))
    return detailed(
      has('ttfts', 'itls'),
      'sglang',
      `${where}: SGLang's aggregates alone: ttfts and itls are missing; run bench_serving with --output-details`,
    );
  if (has('ttfts') || has('mean_ttft_ms') || has('request_throughput', 'duration', 'completed'))
    return detailed(has('ttfts', 'itls'), 'vllm', vllmWithout(where, has('total_output_tokens')));
  if (has('benchmark', 'metric'))
    throw new UserError(
      `${where}: PyTorch's benchmark records, as vllm's .pytorch.json has them: there are no requests in it; give the result itself, which is beside it`,
    );
  if (has('run_id', 'plan_sha256')) throw new UserError(`${where}: a file of a run of Reprise; name its directory`);
  throw new UserError(
    `${where}: no result that is known here: its keys are ${[...keys].slice(0, 8).join(', ') || 'none'}; ${KNOWN}`,
  );
}

function detailed(isSo: boolean, kind: Kind, message: string): Kind {
  if (!isSo) throw new UserError(message);
  return kind;
}

function vllmWithout(where: string, generates: boolean): string {
  return generates
    ? `${where}: vllm's aggregates alone: ttfts and itls are missing; run vllm bench serve with --save-result --save-detailed`
    : `${where}: vllm's result of an endpoint that generates no tokens (embeddings, scores): there is no latency of tokens in it; benchmark one that does`;
}
