import { EXIT, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Request } from '../core/request.ts';
import type { SingleRequests } from '../replay/single-requests.ts';

/** In flight together, so that batches of several are warm too. */
const IN_FLIGHT = 8;

/**
 * Sends requests that are in no record, so that the server compiles what it compiles on first use. Throws a UserError
 * if all of them fail, and warns if some do.
 */
export async function warmServer({ send }: SingleRequests, requests: readonly Request[], log: Log): Promise<void> {
  const waiting = [...requests];
  const failures: string[] = [];
  const lane = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      const result = await send(request);
      if (result.kind === 'failed') failures.push(result.why);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const failed = `${failures.length} of ${requests.length} warm-up requests failed, the last: ${failures.at(-1)}`;
  if (failures.length > 0 && failures.length === requests.length)
    throw new UserError(`--warmup-requests: ${failed}; see whether the server can answer at all`, {
      exitCode: EXIT.unreachable,
    });
  if (failures.length > 0) log.warn(failed);
}
