import { RandomNumbers, streamName, withKey } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';

/** Inputs of the draw besides the request. */
export interface DrawKeys {
  readonly seed: number;
  /**
   * Tells the prompts of one run from those of every other, which a server's prefix cache may still hold; null or absent:
   * none.
   */
  readonly salt?: string | null;
  /** Tokens of the requests' prefix blocks; null where requests have none, or their size is not known. */
  readonly blockTokens: number | null;
}

/** Blocks whose ids differ modulo this number differ in their first tokens with certainty, not only by chance. */
const DISTINCT_BLOCKS = 2 ** 30;
/** Odd, so that ids below 2 ** 30 stay distinct; spreads small ids, whose digits would mostly be zeros. */
const SPREAD = 0x2c1b3c6d;

/** How many numbers a prompt needs. */
export interface Drawn {
  /** Numbers to draw for the whole prompt. */
  readonly count: number;
  /** Numbers for the prompt's first `tokens` tokens: never fewer for more tokens. */
  readonly upTo: (tokens: number) => number;
}

/**
 * Numbers below `size` for the request's input tokens: those of its blocks from the streams of the block ids, those
 * after the blocks from the request's own stream.
 */
export function draw(
  { seed, salt = null, blockTokens }: DrawKeys,
  { id: requestId, inputTokens, blocks }: Request,
  size: number,
  { count, upTo }: Drawn,
): number[] {
  const drawn: number[] = [];
  const salted = (name: number): number => (salt === null ? name : withKey(withKey(name, 'salt'), salt));
  const ofSeed = streamName(seed);
  if (blocks !== undefined && blockTokens !== null) {
    // Moves all ids alike, so that they stay distinct.
    const shift = salt === null ? 0 : new RandomNumbers(salted(withKey(ofSeed, 'blocks'))).next();
    const ofBlock = withKey(ofSeed, 'block');
    for (let index = 0; index < blocks.length; index++) {
      const id = blocks[index] ?? 0;
      // A partial block shares no prefix with longer blocks of the same id, so its fill belongs to the key of its
      // stream.
      const fill = Math.min(blockTokens, inputTokens - index * blockTokens);
      const named = withKey(ofBlock, id);
      const random = new RandomNumbers(salted(fill === blockTokens ? named : withKey(named, fill)));
      const end = Math.min(count, upTo(index * blockTokens + fill));
      let digits = ((Math.imul(id % DISTINCT_BLOCKS, SPREAD) + shift) >>> 0) % DISTINCT_BLOCKS;
      for (let range = 1; range < DISTINCT_BLOCKS && drawn.length < end; range *= size) {
        drawn.push(digits % size);
        digits = Math.floor(digits / size);
      }
      while (drawn.length < end) drawn.push(random.next() % size);
    }
  }
  const random = new RandomNumbers(salted(withKey(withKey(ofSeed, 'prompt'), requestId)));
  while (drawn.length < count) drawn.push(random.next() % size);
  return drawn;
}
