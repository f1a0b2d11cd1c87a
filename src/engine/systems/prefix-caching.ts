import { CountingBlockPool } from '../kv/counting-block-pool.ts';
import { PrefixCachingBlockPool } from '../kv/prefix-caching-block-pool.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { Deployment } from './deployment.ts';
import { kvBlocks } from './fit.ts';
import type { OptionReader } from './option-reader.ts';

const MEMORIES = { on: PrefixCachingBlockPool, off: CountingBlockPool };

export type PrefixCaching = { readonly prefix_caching: keyof typeof MEMORIES };

export function readPrefixCaching(given: OptionReader): PrefixCaching {
  const prefix_caching = given.name('prefix_caching', MEMORIES, {
    fallback: 'on',
    about: 'whether full blocks are kept, and found by what begins alike',
    source: 'vLLM, enable_prefix_caching',
  });
  return { prefix_caching };
}

/** The memory of one instance. */
export function blockMemory(options: Deployment & PrefixCaching): KvCache {
  return new MEMORIES[options.prefix_caching](kvBlocks(options), options.block_tokens);
}
