import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { blockCount } from '../formats/blocks.ts';

/** Above the ids of traces, and those that `clip-input` makes. */
const FIRST_MINTED = 1.5 * 2 ** 52;

/**
 * Gives requests an id for each block of `size` tokens of their prompt, the last one perhaps in part: their own, and new
 * ones that no other request has where they have none.
 */
export function idsOfBlocks(
  { path }: Pick<Source, 'path'>,
  size: number,
): (request: Pick<Request, 'blocks' | 'inputTokens' | 'traceRow'>) => readonly number[] {
  let next = FIRST_MINTED;
  return ({ blocks = [], inputTokens, traceRow }) => {
    const wanted = blockCount(inputTokens, size);
    if (blocks.length === wanted) return blocks;
    if (blocks.length > wanted)
      throw new UserError(
        `${path}:${traceRow}: block_count_mismatch: the row has ${blocks.length} prefix blocks, expected ${wanted} for ${inputTokens} tokens in blocks of ${size}`,
      );
    const ids = [...blocks];
    while (ids.length < wanted) ids.push(next++);
    return ids;
  };
}
