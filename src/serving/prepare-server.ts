import type { Codec } from '../core/codec.ts';
import { EXIT, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Request } from '../core/request.ts';
import type { Manifest } from '../schema/manifest.ts';
import { openSingleRequests, type SingleRequests } from '../replay/single-requests.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { resetCache } from './reset-cache.ts';

/** A warm-up request generates at most so many tokens: code is compiled on the first ones. */
const WARM_UP_TOKENS = 32;
/** Warm-up requests in flight together, so that batches of several are warm too. */
const IN_FLIGHT = 8;

export interface PrepareOptions {
  /** Requests that are sent before the run. */
  readonly warmupRequests: number;
  /** Whether the prefix cache is emptied before the run. */
  readonly resetCache: boolean;
  /** From sent to last byte. */
  readonly timeoutUs: number;
}

/** What is prepared, and how it is spoken to. */
export interface PreparedTarget {
  readonly codec: Codec;
  readonly endpoints: readonly [ServerAccess, ...ServerAccess[]];
  /** How many of them take the prompts of requests, in turn. */
  readonly promptServers: number;
}

/**
 * Sends a server its warm-up requests and empties its prefix cache, outside of any record; null if neither is wanted.
 * `first`: requests of the workload, from its first on; the warm-up requests are as long as these, again and again if
 * there are fewer.
 */
export async function prepareServer(
  options: PrepareOptions,
  first: readonly Request[],
  { codec, endpoints, promptServers }: PreparedTarget,
  log: Log,
): Promise<Manifest['prepared']> {
  if (options.warmupRequests === 0 && !options.resetCache) return null;
  const single = openSingleRequests(codec, endpoints, options.timeoutUs);
  try {
    const requests = warmUpRequests(options.warmupRequests, first);
    if (requests.length > 0) await warmUp(single, requests, log);
    // After them, so that none of their blocks is left in the cache.
    const cache_reset = options.resetCache ? await resetCache(single, endpoints, promptServers) : null;
    if (cache_reset !== null && cache_reset.verified_by === null)
      log.warn(
        `--reset-cache: not verified: the server took POST ${cache_reset.route}, but neither cached_tokens nor its counters show what its cache holds (is prefix caching on?)`,
      );
    return { warmup_requests: requests.length, cache_reset };
  } finally {
    await single.close();
  }
}

/** Their prompts are their own, and share nothing with the workload. */
function warmUpRequests(count: number, first: readonly Request[]): Request[] {
  return Array.from({ length: count }, (_, i) => {
    const { inputTokens = 1, outputTokens = 1 } = first[i % first.length] ?? {};
    const id = `warm-up-${i}`;
    return { id, traceRow: 0, dueUs: 0, inputTokens, outputTokens: Math.min(outputTokens, WARM_UP_TOKENS) };
  });
}

/** Sends the requests. Throws a UserError if all of them fail, and warns if some do. */
async function warmUp({ send }: SingleRequests, requests: readonly Request[], log: Log): Promise<void> {
  const waiting = [...requests];
  const failures: string[] = [];
  const sendInTurn = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      const result = await send(request);
      if (result.kind === 'failed') failures.push(result.why);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sendInTurn));
  const failed = `${failures.length} of ${requests.length} warm-up requests failed, the last: ${failures.at(-1)}`;
  if (failures.length > 0 && failures.length === requests.length)
    throw new UserError(`--warmup-requests: ${failed}; see whether the server can answer at all`, {
      exitCode: EXIT.unreachable,
    });
  if (failures.length > 0) log.warn(failed);
}
