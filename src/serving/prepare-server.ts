import type { Codec } from '../core/codec.ts';
import type { Log } from '../core/log.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Source } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { openSingleRequests } from '../replay/single-requests.ts';
import { resetCache } from './reset-cache.ts';
import { warmServer } from './warm-server.ts';
import type { RunSpec } from '../run/run-spec.ts';

/** What a warm-up request generates at most: code is compiled on the first tokens. */
const WARM_UP_TOKENS = 32;

/** What is sent to a server before a run and is in none of its records; null: nothing was. */
export async function prepareServer(
  { warmupRequests, resetCache: isReset, timeoutUs }: RunSpec,
  source: Source,
  codec: Codec,
  server: ServerAccess,
  log: Log,
): Promise<Manifest['prepared']> {
  if (warmupRequests === 0 && !isReset) return null;
  const asker = openSingleRequests(codec, server, timeoutUs);
  try {
    const requests = await warmUpRequests(source, warmupRequests);
    if (requests.length > 0) await warmServer(asker, requests, log);
    // After them, so that nothing of theirs is left in the cache.
    const cache_reset = isReset ? await resetCache(asker, server) : null;
    if (cache_reset !== null && cache_reset.verified_by === null)
      log.warn(
        `--reset-cache: not verified: the server took POST ${cache_reset.route}, but tells neither by cached_tokens nor by its counters what its cache finds (is prefix caching on?)`,
      );
    return { warmup_requests: requests.length, cache_reset };
  } finally {
    await asker.close();
  }
}

/**
 * As long as the first of the workload, again and again if these are too few, but with prompts of their own: they share
 * nothing with any of it.
 */
async function warmUpRequests(source: Source, count: number): Promise<Request[]> {
  const like: Request[] = [];
  if (count === 0) return [];
  for await (const batch of source.open()) {
    like.push(...batch.slice(0, count - like.length));
    if (like.length === count) break;
  }
  return Array.from({ length: count }, (_, i) => {
    const { inputTokens = 1, outputTokens = 1 } = like[i % like.length] ?? {};
    const id = `warm-up-${i}`;
    return { id, traceRow: 0, dueUs: 0, inputTokens, outputTokens: Math.min(outputTokens, WARM_UP_TOKENS) };
  });
}
