import { z } from 'zod';
import type { Capability, ServerCapabilities } from '../../adapters/index.ts';

/** The field by which a server would name a capability that it does not have. */
const FIELDS: readonly (readonly [field: string, capability: Capability])[] = [
  ['continuous_usage_stats', 'continuousUsage'],
  ['return_token_ids', 'returnTokenIds'],
  ['ignore_eos', 'ignoreEos'],
  ['min_tokens', 'minTokens'],
  ['min_new_tokens', 'minTokens'],
  ['include_usage', 'finalUsage'],
  ['stream_options', 'finalUsage'],
  ['max_completion_tokens', 'maxCompletionTokens'],
  ['prompt', 'tokenIdPrompts'],
  ['input_ids', 'tokenIdPrompts'],
];

/** Capabilities that are dropped together where a refusal names no field, the rarest first. */
const BLIND: readonly (readonly Capability[])[] = [
  ['continuousUsage', 'returnTokenIds'],
  ['ignoreEos', 'minTokens'],
  ['finalUsage'],
  ['maxCompletionTokens'],
  ['tokenIdPrompts'],
];

const place = z.array(z.union([z.string(), z.number()]));
const fields = { message: z.string().optional().catch(''), param: z.string().nullish().catch(null) };
/** Error bodies of OpenAI and vLLM, of SGLang and Dynamo, and of FastAPI. */
const refusal = z.object({
  ...fields,
  error: z.object(fields).optional().catch(undefined),
  detail: z
    .array(z.object({ loc: place.catch([]), msg: z.string().catch('') }))
    .optional()
    .catch([]),
});

/** The capabilities left to try at a server that refused `tried` with `body`; null when no more can be dropped. */
export function withoutUnknown(tried: ServerCapabilities, body: string): ServerCapabilities | null {
  const words = wordsOf(body);
  const named = FIELDS.filter(([field, capability]) => tried[capability] && words.has(field)).map(
    ([, capability]) => capability,
  );
  // A refusal also names the object that the unknown field is in, and the prompt.
  const unknown = named.filter(
    (capability) =>
      !(capability === 'finalUsage' && named.includes('continuousUsage')) &&
      !(capability === 'tokenIdPrompts' && named.length > 1),
  );
  const dropped = unknown.length > 0 ? unknown : BLIND.find((group) => group.some((capability) => tried[capability]));
  if (dropped === undefined) return null;
  return { ...tried, ...Object.fromEntries(dropped.map((capability) => [capability, false])) };
}

/** The words of a refusal's messages, without the request, which some servers send back with them. */
function wordsOf(body: string): ReadonlySet<string> {
  const { error, message, param, detail } = parse(body) ?? {};
  const details = (detail ?? []).map(({ loc, msg }) => `${loc.join(' ')} ${msg}`);
  const messages = [error?.message, error?.param, message, param, ...details].filter(
    (text) => typeof text === 'string' && text !== '',
  );
  const text = messages.length > 0 ? messages.join(' ') : body.slice(0, 2000);
  return new Set(text.split(/[^a-z_]+/));
}

function parse(body: string): z.infer<typeof refusal> | undefined {
  try {
    return refusal.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
