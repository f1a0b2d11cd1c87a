import { createHash } from 'node:crypto';

/** Ids that a header takes as they are: short, visible, and without the sign that the others have. */
const PLAIN = /^[!-}]{1,120}$/;

/** What the `X-Request-Id` of every call of a run begins with: the run's name in characters that a header may hold. */
export function idPrefix(runId: string): string {
  return runId.replaceAll(/[^\w.-]/g, '_');
}

/**
 * The `X-Request-Id` of a request, by which a server's log has it. The ids of a trace may be any text of any length: one
 * that is no header is cut and replaced where it has to be, with a digest behind, so that ids which differ stay different.
 */
export function requestIdHeader(prefix: string, id: string): string {
  if (PLAIN.test(id)) return `${prefix}-${id}`;
  const digest = createHash('sha256').update(id, 'utf16le').digest('hex').slice(0, 32);
  return `${prefix}-${id.slice(0, 60).replaceAll(/[^!-}]/g, '_')}~${digest}`;
}
