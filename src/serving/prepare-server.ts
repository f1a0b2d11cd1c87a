import type { Codec } from '../core/codec.ts';
import type { Log } from '../core/log.ts';
import type { Request } from '../core/request.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { Manifest } from '../schema/manifest.ts';
import { resetCache } from './reset-cache.ts';
import { openSingleRequests } from './single-requests.ts';
import { warmServer } from './warm-server.ts';

/** What a warm-up request generates at most: code is compiled on the first tokens. */
const WARM_UP_TOKENS = 32;

/** What is done to a server before a run. */
export interface PrepareOptions {
  /** Requests that are sent, and are in no record. */
  readonly warmupRequests: number;
  /** The first of the workload: warm-up requests are as long as these, again and again where they are too few. */
  readonly firstRequests: readonly Request[];
  /** Whether the server's prefix cache is emptied. */
  readonly resetCache: boolean;
  readonly timeoutUs: number;
}

/** Sends what is sent to a server before a run and is in none of its records; null: nothing was. */
export async function prepareServer(
  options: PrepareOptions,
  codec: Codec,
  server: ServerAccess,
  log: Log,
): Promise<Manifest['prepared']> {
  if (options.warmupRequests === 0 && !options.resetCache) return null;
  const requests = openSingleRequests(codec, server, options.timeoutUs);
  try {
    const warmup = warmUpRequests(options);
    if (warmup.length > 0) await warmServer(requests, warmup, (text) => log.warn(text));
    // After them, so that nothing of theirs is left in the cache.
    const cache_reset = options.resetCache ? await resetCache(requests, server) : null;
    if (cache_reset !== null && cache_reset.verified_by === null)
      log.warn(
        `--reset-cache: not verified: the server took POST ${cache_reset.route}, but tells neither by cached_tokens nor by its counters what its cache finds (is prefix caching on?)`,
      );
    return { warmup_requests: warmup.length, cache_reset };
  } finally {
    await requests.close();
  }
}

/** As long as those of the workload, but with prompts of their own: they share nothing with any of it. */
function warmUpRequests({ warmupRequests, firstRequests }: PrepareOptions): Request[] {
  return Array.from({ length: warmupRequests }, (_, i) => {
    const { inputTokens = 1, outputTokens = 1 } = firstRequests[i % firstRequests.length] ?? {};
    const id = `warm-up-${i}`;
    return { id, traceRow: 0, dueUs: 0, inputTokens, outputTokens: Math.min(outputTokens, WARM_UP_TOKENS) };
  });
}
