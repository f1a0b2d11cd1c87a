import { randomStream } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';

/** What decides which tokens a prompt is made of, besides the request itself. */
export interface DrawKeys {
  readonly seed: number;
  /** Tokens of the requests' prefix blocks; null where requests have none, or their size is not known. */
  readonly blockTokens: number | null;
}

/** Blocks whose ids differ modulo this many differ in their first tokens, not just by chance. */
const DISTINCT_BLOCKS = 2 ** 30;
/** Odd, so that no two ids below that become the same; spreads small ids, whose digits would be zeros mostly. */
const SPREAD = 0x2c1b3c6d;

/** How a prompt's tokens are made of what is drawn. */
export interface Drawn {
  /** Numbers that are drawn for the whole prompt. */
  readonly count: number;
  /** Numbers that stand for the prompt's first so many tokens: never fewer for more tokens. */
  readonly upTo: (tokens: number) => number;
}

/**
 * Numbers below `size` that stand for the request's input tokens: those of its blocks from the streams of their ids,
 * those behind them from the request's own.
 */
export function draw(
  { seed, blockTokens }: DrawKeys,
  { id: requestId, inputTokens, blocks }: Request,
  size: number,
  { count, upTo }: Drawn,
): number[] {
  const drawn: number[] = [];
  if (blocks !== undefined && blockTokens !== null)
    for (const [index, id] of blocks.entries()) {
      // The id of a block that is not full stands for as many tokens as there are: it begins no longer one.
      const fill = Math.min(blockTokens, inputTokens - index * blockTokens);
      const random = randomStream(seed, 'block', id, ...(fill === blockTokens ? [] : [fill]));
      const end = Math.min(count, upTo(index * blockTokens + fill));
      let digits = (Math.imul(id % DISTINCT_BLOCKS, SPREAD) >>> 0) % DISTINCT_BLOCKS;
      for (let told = 1; drawn.length < end; told *= size) {
        drawn.push(told < DISTINCT_BLOCKS ? digits % size : random() % size);
        digits = Math.floor(digits / size);
      }
    }
  const random = randomStream(seed, 'prompt', requestId);
  while (drawn.length < count) drawn.push(random() % size);
  return drawn;
}
