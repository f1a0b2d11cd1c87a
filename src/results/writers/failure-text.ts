import type { RequestRecord } from '../../core/record.ts';

/** How a request failed, in a text that is never empty: `http_error (HTTP 500): overloaded`. `failureOf` reads it. */
export function failureText({ outcome, http_status, error }: RequestRecord): string {
  const status = http_status === null ? '' : ` (HTTP ${http_status})`;
  if (outcome === 'ok') return `${outcome}${status}: no token came`;
  return `${outcome}${status}${error === null ? '' : `: ${error}`}`;
}
