import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { PrefixCachingBlockPool } from '../kv/prefix-caching-block-pool.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { Deployment } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';

const SWITCH = { on: {}, off: {} };

export type PrefixCaching = { readonly prefix_caching: keyof typeof SWITCH };

export function readPrefixCaching(given: OptionReader): PrefixCaching {
  const prefix_caching = given.name('prefix_caching', SWITCH, {
    fallback: 'on',
    about: 'whether full blocks are kept, and found by what begins alike',
    source: 'vLLM, enable_prefix_caching',
  });
  return { prefix_caching };
}

/** The memory of one instance; `freesToHead` as in `PrefixCachingBlockPool`. */
export function blockMemory(options: Deployment & PrefixCaching, freesToHead: boolean): KvCache {
  const blocks = kvBlocks(options);
  const { block_tokens: blockTokens } = options;
  return options.prefix_caching === 'on'
    ? new PrefixCachingBlockPool(blocks, blockTokens, freesToHead)
    : new CountingBlockPool(blocks, blockTokens);
}
