import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { keptRequests } from './left-out.ts';
import { isDrawn, shareArg } from './thin.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * Whole sessions, each with probability `share`. Where requests have prefix blocks and no session, those that begin alike
 * stay together; others are drawn one by one. Reads the source once more before it is read.
 */
export const sampleSessions: Transform = (source, args, { say }) => {
  const share = shareArg('sample-sessions', args);
  const seed = numberArg('sample-sessions', args, 'seed');
  let keys: SessionKeys | null = null;
  return {
    async *open() {
      const known = (keys ??= await keysOf(source));
      const isKept = (request: Request): boolean => isDrawn(seed, 'sample-sessions', known.of(request), share);
      yield* keptRequests(source, isKept, `--sample-sessions ${share}`, say);
    },
  };
};

async function keysOf(source: Source): Promise<SessionKeys> {
  const keys = new SessionKeys();
  for await (const batch of source.open()) for (const request of batch) keys.count(request);
  return keys;
}

/** Blocks are counted in so many places, so that memory is bounded; several that share one look like a common one. */
const PLACES = 2 ** 20 - 3;
/** From this share of the requests on, and from so many of them, a block is one that many share: a system prompt. */
const MANY = 0.02;
const LEAST = 20;

/** What keeps requests together that share a history: their session, or how their prompts begin. */
export class SessionKeys {
  readonly #counts = new Uint32Array(PLACES);
  #rows = 0;

  /** Takes each request once, before any key is asked for. */
  count({ session, blocks }: Request): void {
    if (session !== undefined || blocks === undefined || blocks.length === 0) return;
    this.#rows++;
    for (const id of blocks) {
      const place = id % PLACES;
      this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    }
  }

  /**
   * The session; else the first block that not many other requests have, as a prefix tree below a common system prompt
   * has one; else the request alone.
   */
  of({ id, session, blocks = [] }: Request): string {
    if (session !== undefined) return `s${session}`;
    const own = blocks.find((block) => !this.#isCommon(block));
    return own === undefined ? `r${id}` : `b${own}`;
  }

  #isCommon(block: number): boolean {
    const rows = this.#counts[block % PLACES] ?? 0;
    return rows >= Math.max(LEAST, MANY * this.#rows) || (rows > 1 && rows === this.#rows);
  }
}
