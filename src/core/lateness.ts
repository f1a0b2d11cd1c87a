import type { RequestRecord } from './record.ts';

/** A request that left later than this was touched by its client; a client that sends 1 % of them so late fell behind. */
export const MAX_LATENESS_MS = 10;

/** How long after its due time a request left the client. Connecting is the server's and the network's time. */
export function latenessUs({ due_us, sent_us, connect_us }: RequestRecord): number | null {
  return sent_us === null ? null : Math.max(0, sent_us - due_us - (connect_us ?? 0));
}
