import type { EngineRequest } from '../engine.ts';
import type { KvCacheView } from '../kv/kv-cache.ts';

export interface Limits {
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
  /** Longest prompt, where one batch must hold it whole. */
  readonly maxPromptTokens?: number | undefined;
}

/** Why a request is too long or too short, as the API server in front of the instances says it; null if it is not. */
export function lengthRefusal(
  { inputTokens, maxTokens }: EngineRequest,
  { maxModelLen, maxPromptTokens = maxModelLen }: Limits,
): string | null {
  if (inputTokens < 1) return 'The prompt is empty: at least one token is needed.';
  if (maxTokens < 1) return `max_tokens must be at least 1, got ${maxTokens}.`;
  if (inputTokens + maxTokens > maxModelLen)
    return (
      `This model's maximum context length is ${maxModelLen} tokens: ${inputTokens} of the prompt and ${maxTokens} ` +
      'to generate are too many.'
    );
  if (inputTokens > maxPromptTokens)
    return `The prompt has ${inputTokens} tokens, and a batch of prompts holds ${maxPromptTokens}.`;
  return null;
}

/** Why a memory can never hold `tokens` tokens of one request; null if it can. */
export function memoryRefusal(memory: KvCacheView, tokens: number): string | null {
  const blocks = memory.blocksFor(tokens);
  if (blocks <= memory.capacityBlocks) return null;
  return `The request needs ${blocks} KV blocks for ${tokens} tokens, and there are ${memory.capacityBlocks}.`;
}
