import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Request } from '../core/request.ts';
import type { SingleRequests } from './single-requests.ts';

/** Together, so that batches of several are warm too. */
const AT_ONCE = 8;

/**
 * Sends requests that are in no record, so that what a server compiles on first use is compiled. Throws a UserError if
 * none of them is answered, and warns of those that are not.
 */
export async function warmServer({ send }: SingleRequests, requests: readonly Request[], log: Log): Promise<void> {
  const waiting = [...requests];
  const failures: string[] = [];
  const lane = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift())
      await send(request).catch((thrown: unknown) => failures.push(messageOf(thrown)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const said = `${failures.length} of ${requests.length} warm-up requests failed, the last: ${failures.at(-1)}`;
  if (failures.length > 0 && failures.length === requests.length)
    throw new UserError(`--warmup-requests: ${said}; see whether the server can answer at all`, {
      exitCode: EXIT.unreachable,
    });
  if (failures.length > 0) log.warn(said);
}
