import type { EngineRequest } from '../engine.ts';
import type { KvCacheView } from '../kv/kv-cache.ts';

export interface Limits {
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
  /** Longest prompt, where one batch must hold it whole. */
  readonly maxPromptTokens?: number | undefined;
}

/** A memory that a request may come to, and whether it must hold the prompt alone. */
export interface Need {
  readonly memory: KvCacheView;
  readonly promptOnly: boolean;
}

/** Why a request can never be served, as the API server in front of the instances says it; null if it can. */
export function refusalOf(
  { inputTokens, maxTokens }: EngineRequest,
  { maxModelLen, maxPromptTokens = maxModelLen }: Limits,
  needs: readonly Need[],
): string | null {
  if (inputTokens < 1) return 'The prompt is empty: at least one token is needed.';
  if (maxTokens < 1) return `max_tokens must be at least 1, got ${maxTokens}.`;
  const total = inputTokens + maxTokens;
  if (total > maxModelLen)
    return (
      `This model's maximum context length is ${maxModelLen} tokens: ${inputTokens} of the prompt and ${maxTokens} ` +
      'to generate are too many.'
    );
  if (inputTokens > maxPromptTokens)
    return `The prompt has ${inputTokens} tokens, and a batch of prompts holds ${maxPromptTokens}.`;
  for (const { memory, promptOnly } of needs) {
    const tokens = promptOnly ? inputTokens : total;
    const blocks = memory.blocksFor(tokens);
    if (blocks > memory.capacityBlocks)
      return `The request needs ${blocks} KV blocks for ${tokens} tokens, and there are ${memory.capacityBlocks}.`;
  }
  return null;
}
