import type { Request } from './request.ts';

/** How a codec sends prompts: as token ids, exact by construction, or as text that the server tokenizes. */
export type PromptForm = 'ids' | 'text';

/** Makes the prompts of requests, the same ones in every thread and on every machine that is given the same facts. */
export interface PromptMaker {
  /** As many token ids as the request has input tokens. */
  ids(request: Request): readonly number[];
  /** A text that the server makes as many tokens of, what it adds of its own included, or as near as can be. */
  text(request: Request): string;
}
