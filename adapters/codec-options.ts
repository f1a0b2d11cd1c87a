import type { ServerCapabilities } from './capabilities.ts';

export const API_ENDPOINTS = ['completions', 'chat', 'generate'] as const;
export type ApiEndpoint = (typeof API_ENDPOINTS)[number];

/** What a codec is made of: plain data, for it is made in several threads. */
export interface CodecOptions {
  readonly endpoint: ApiEndpoint;
  /** Sent where the trace names no model. */
  readonly model: string;
  /** Prefix of `X-Request-Id`, so that a slow request can be found in the server's log. */
  readonly runId: string;
  /** What the server was found to know; left out: what such servers usually know. */
  readonly capabilities?: ServerCapabilities;
}
