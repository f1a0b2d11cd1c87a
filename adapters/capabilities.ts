/**
 * What a server knows, as plain data, so that it can be asked once and its codec built in any thread. A field that a
 * server does not know is not sent: hosted endpoints refuse what they do not know.
 */
export interface ServerCapabilities {
  /** Prompts as token ids, whose length is exact by construction. */
  readonly tokenIdPrompts: boolean;
  /** `ignore_eos` and `min_tokens`: hold an answer to the planned length. */
  readonly ignoreEos: boolean;
  readonly minTokens: boolean;
  /** `stream_options.include_usage`: the server's own counts at the end. */
  readonly finalUsage: boolean;
  /** `stream_options.continuous_usage_stats`: the count of tokens so far in every chunk. */
  readonly continuousUsage: boolean;
  /** `return_token_ids`: the ids of every chunk. */
  readonly returnTokenIds: boolean;
  /** `max_completion_tokens` of chat; older servers know `max_tokens`. */
  readonly maxCompletionTokens: boolean;
}

export type Capability = keyof ServerCapabilities;

/** All there is, as vLLM has it. */
export const ALL_CAPABILITIES: ServerCapabilities = {
  tokenIdPrompts: true,
  ignoreEos: true,
  minTokens: true,
  finalUsage: true,
  continuousUsage: true,
  returnTokenIds: true,
  maxCompletionTokens: true,
};
