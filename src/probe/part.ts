import { messageOf, UserError } from '../core/errors.ts';
import type { ServerAccess } from '../replay/transport.ts';

/** A part of a probe: what it found, or why it found nothing, which is a line of the result and not the end of the probe. */
export type Part<T> = { readonly found: T } | { readonly why: string };

/**
 * Asks a server for a part of the probe, within a limit of time. What the server or the network gives no answer to is a
 * reason; a fault of ours is thrown, and so is the end of the probe by `access.stop`.
 */
export async function part<T>(
  access: ServerAccess,
  limitMs: number,
  ask: (access: ServerAccess) => Promise<T>,
): Promise<Part<T>> {
  const limit = AbortSignal.timeout(limitMs);
  const { stop } = access;
  try {
    return { found: await ask({ ...access, stop: stop === undefined ? limit : AbortSignal.any([stop, limit]) }) };
  } catch (thrown) {
    if (stop?.aborted === true) throw thrown;
    if (limit.aborted) return { why: `no answer within ${limitMs / 1000} s` };
    if (thrown instanceof UserError || isOfNetwork(thrown)) return { why: messageOf(thrown) };
    throw thrown;
  }
}

/** What the part found; null where it found nothing. */
export function foundIn<T>(of: Part<T>): T | null {
  return 'found' in of ? of.found : null;
}

/** Why the part found nothing; null where it did. */
export function whyIn(of: Part<unknown>): string | null {
  return 'why' in of ? of.why : null;
}

/** Node's and undici's errors of connections and of limits of time have a code. */
function isOfNetwork(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown;
}
