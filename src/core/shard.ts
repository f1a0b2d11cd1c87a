import type { Request } from './request.ts';

/** The part of a plan that one of several clients sends: client `index` of `of`, from 0. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Shard = { index: 0, of: 1 };

/** Whether a request belongs to a shard: all turns of a session are in one shard, others go by position in the plan. */
export function isInShard({ index: shard, of }: Shard, { session, tree }: Request, index: number): boolean {
  if (of === 1) return true;
  return (tree ?? (session === undefined ? index : hashOf(session))) % of === shard;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
