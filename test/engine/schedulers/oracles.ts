import type { OracleSettings } from './oracle-log.ts';

/** A file of `../shared/oracles/schedulers`, and the system of ours that is to do the same. */
export interface Oracle {
  readonly file: string;
  readonly system: string;
  /** The real scheduler, its version, and how it ran. */
  readonly real: string;
  readonly spec: (settings: OracleSettings) => string;
}

/** As the real schedulers were set up; which model and GPU run has no part in what is decided. */
function blocks({ block_tokens, blocks: count, max_model_len }: OracleSettings): string {
  return `block_tokens=${block_tokens},kv_tokens=${block_tokens * count},max_model_len=${max_model_len}`;
}

function budget({ token_budget, max_seqs }: OracleSettings): string {
  return `token_budget=${token_budget},max_seqs=${max_seqs}`;
}

function vllmV1(version: string, async: 'on' | 'off'): Pick<Oracle, 'system' | 'spec'> {
  const system = `vllm-v1,version=${version},async=${async}`;
  return {
    system,
    spec: (one) => `${system},${blocks(one)},${budget(one)},prefix_caching=${one.prefix_caching ? 'on' : 'off'}`,
  };
}

export const ORACLES: readonly Oracle[] = [
  { file: 'vllm-v1-0.32-sync.jsonl', real: 'vLLM 0.32, synchronous', ...vllmV1('0.32', 'off') },
  { file: 'vllm-v1-0.32-async.jsonl', real: 'vLLM 0.32, asynchronous', ...vllmV1('0.32', 'on') },
  { file: 'vllm-v1-0.10.2.jsonl', real: 'vLLM 0.10.2 (0.8.5 logs the same)', ...vllmV1('0.10', 'off') },
  {
    file: 'vllm-v0-0.6.6.jsonl',
    system: 'vllm-v0',
    real: 'vLLM 0.6.6.post1, v0',
    spec: (one) => `vllm-v0,${blocks(one)},${budget(one)}`,
  },
  {
    file: 'sarathi-96f9911.jsonl',
    system: 'sarathi',
    real: 'Sarathi-Serve 96f9911',
    spec: (one) => `sarathi,${blocks(one)},${budget(one)}${chunks(one)}`,
  },
];

function chunks({ chunks: one }: OracleSettings): string {
  return one === undefined ? '' : `,chunk_low=${one.low},chunk_stages=${one.stages},chunk_prompt=${one.tokens}`;
}

/** Those of the systems whose name begins so. */
export function oraclesOf(system: string): Oracle[] {
  return ORACLES.filter((one) => one.system.split(',')[0] === system);
}
