import type { PromptMaker } from '../src/core/codec.ts';
import type { JsonObject, Request } from '../src/core/request.ts';
import { shapingFields } from './body-options.ts';
import type { CodecOptions } from './codec-options.ts';
import { MAX_RESPONSE_TOKENS, type Json } from './json.ts';

/**
 * The prompt for a route without messages: the trace's own, or one that is drawn, as token ids where the route takes
 * them. Messages become a text, a part each; only a server without a chat is given them so.
 */
export function promptOf(request: Request, prompts: PromptMaker, takesIds: boolean): string | readonly number[] {
  const { prompt } = request;
  if (prompt === undefined) return takesIds ? prompts.ids(request) : prompts.text(request);
  if (prompt.kind === 'text') return prompt.text;
  return prompt.kind === 'ids' ? prompt.ids : prompt.messages.map(messageText).join('\n\n');
}

function messageText({ role, content }: JsonObject): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? '');
  return `${typeof role === 'string' ? role : 'user'}: ${text}`;
}

/** The messages of a chat: the trace's own, or a prompt as the user's only one. */
export function messagesOf(request: Request, prompts: PromptMaker): readonly JsonObject[] {
  const { prompt } = request;
  if (prompt?.kind === 'messages') return prompt.messages;
  return [{ role: 'user', content: prompt?.kind === 'text' ? prompt.text : prompts.text(request) }];
}

/** Fields of a body that stands as it is and that a run decides all the same. */
const DECIDED = ['model', 'stream', 'stream_options', 'n', 'best_of', 'echo'] as const;

/** A request's own body without what the run decides; null where it has none. */
export function ownBody({ payload }: Request): Json | null {
  if (payload === undefined) return null;
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !DECIDED.some((decided) => decided === name)));
}

/** The trace's fields for the body beside the prompt, those that a run decides left out. */
export function ownParams({ params }: Request): Json {
  return params === undefined ? {} : shapingFields(params);
}

/** Parameters of sampling that servers with a route of their own know by these names. */
const SAMPLING = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'stop',
];

/** Those of them that the trace gives. */
export function ownSampling(request: Request): Json {
  return Object.fromEntries(Object.entries(ownParams(request)).filter(([name]) => SAMPLING.includes(name)));
}

/** Names of the limits of an answer, the newer one first. */
const LIMITS = ['max_completion_tokens', 'max_tokens'];

/** The most tokens that the answer may have: those asked for, or as many as a body that stands as it is allows. */
export function mostTokens({ payload, outputTokens }: Request): number {
  if (payload === undefined) return outputTokens;
  const limits = LIMITS.map((name) => payload[name]).filter((limit) => typeof limit === 'number');
  return limits.find((limit) => Number.isInteger(limit) && limit > 0) ?? MAX_RESPONSE_TOKENS;
}

/** What of a body tells `mostTokens`: the rest is not needed once the call is made. */
export function limitsOf(payload: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => LIMITS.includes(name)));
}

/** The model that a request is for: the one that the trace names where the server has it, else that of the run. */
export function modelOf({ model }: Request, options: Pick<CodecOptions, 'model' | 'models'>): string {
  const isServed = model !== undefined && (options.models?.includes(model) ?? true);
  return isServed ? model : options.model;
}
