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

/**
 * A number below `size` for each input token, at least `least` of them: those of blocks from the streams of their ids,
 * those behind them from the request's own. The first `taken` tokens of the prompt are left out: others stand there.
 */
export function draw(
  { seed, blockTokens }: DrawKeys,
  request: Request,
  size: number,
  { taken = 0, least = 0 }: { taken?: number; least?: number } = {},
): number[] {
  const { inputTokens, blocks } = request;
  const drawn: number[] = [];
  let at = 0;
  if (blocks !== undefined && blockTokens !== null)
    for (const id of blocks) {
      // The id of a block that is not full stands for as many tokens as there are: it begins no longer one.
      const fill = Math.min(blockTokens, inputTokens - at);
      const random = randomStream(seed, 'block', id, ...(fill === blockTokens ? [] : [fill]));
      let digits = id % DISTINCT_BLOCKS;
      for (let token = Math.max(0, taken - at), told = 1; token < fill; token++, told *= size) {
        drawn.push(told < DISTINCT_BLOCKS ? digits % size : random() % size);
        digits = Math.floor(digits / size);
      }
      at += fill;
    }
  const random = randomStream(seed, 'prompt', request.id);
  while (drawn.length < Math.max(least, inputTokens - taken)) drawn.push(random() % size);
  return drawn;
}
