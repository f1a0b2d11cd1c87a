import type { Request } from '../../src/core/request.ts';

/** How much of the prompts an infinite prefix cache would have seen before. */
export interface PrefixStatistics {
  /** Tokens a block, the one power of two that fits every row's length; null if none does. */
  readonly block_tokens: number | null;
  readonly max_hit_ratio: number;
  readonly max_hit_ratio_tokens: number | null;
}

/** Null where no request has blocks. Hits of a row: its leading run of ids already seen, in the order of the trace. */
export function prefixStatistics(requests: readonly Request[]): PrefixStatistics | null {
  if (!requests.some(({ blocks }) => blocks !== undefined)) return null;
  const blockTokens = blockSize(requests);
  const seen = new Set<number>();
  let [blocks, hits, hitTokens, tokens] = [0, 0, 0, 0];
  for (const { blocks: ids = [], inputTokens } of requests) {
    let leading = 0;
    for (const id of ids) {
      if (!seen.has(id)) break;
      leading++;
    }
    for (const id of ids) seen.add(id);
    blocks += ids.length;
    hits += leading;
    tokens += inputTokens;
    hitTokens += Math.min(leading * (blockTokens ?? 0), inputTokens);
  }
  return {
    block_tokens: blockTokens,
    max_hit_ratio: blocks === 0 ? 0 : hits / blocks,
    max_hit_ratio_tokens: blockTokens === null || tokens === 0 ? null : hitTokens / tokens,
  };
}

function blockSize(requests: readonly Request[]): number | null {
  for (let size = 1; size <= 4096; size *= 2)
    if (
      requests.every(
        ({ blocks, inputTokens }) => blocks === undefined || blocks.length === Math.ceil(inputTokens / size),
      )
    )
      return size;
  return null;
}
