import { z } from 'zod';
import type { Capability, ServerCapabilities } from '../../adapters/index.ts';

/** The field of the body by which a server would name what it does not know. */
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

/** What is given up together where a refusal names nothing, the least known first. */
const BLIND: readonly (readonly Capability[])[] = [
  ['continuousUsage', 'returnTokenIds'],
  ['ignoreEos', 'minTokens'],
  ['finalUsage'],
  ['maxCompletionTokens'],
  ['tokenIdPrompts'],
];

const place = z.array(z.union([z.string(), z.number()]));
const fields = { message: z.string().optional().catch(''), param: z.string().nullish().catch(null) };
/** OpenAI's and vLLM's form, SGLang's and Dynamo's, and FastAPI's. */
const refusal = z.object({
  ...fields,
  error: z.object(fields).optional().catch(undefined),
  detail: z
    .array(z.object({ loc: place.catch([]), msg: z.string().catch('') }))
    .optional()
    .catch([]),
});

/** What is left to be asked of a server that refused `tried` with `body`; null when nothing more can be left out. */
export function withoutUnknown(tried: ServerCapabilities, body: string): ServerCapabilities | null {
  const words = wordsOf(body);
  const named = FIELDS.filter(([field, capability]) => tried[capability] && words.has(field)).map(
    ([, capability]) => capability,
  );
  // What is named along with a field at fault: the object that it is in, and the prompt.
  const faults = named.filter(
    (capability) =>
      !(capability === 'finalUsage' && named.includes('continuousUsage')) &&
      !(capability === 'tokenIdPrompts' && named.length > 1),
  );
  const given = faults.length > 0 ? faults : BLIND.find((group) => group.some((capability) => tried[capability]));
  if (given === undefined) return null;
  return { ...tried, ...Object.fromEntries(given.map((capability) => [capability, false])) };
}

/** The words of what a refusal says is wrong: without the request, which some send back with it. */
function wordsOf(body: string): ReadonlySet<string> {
  const { error, message, param, detail } = parse(body) ?? {};
  const details = (detail ?? []).map(({ loc, msg }) => `${loc.join(' ')} ${msg}`);
  const said = [error?.message, error?.param, message, param, ...details].filter(
    (text) => typeof text === 'string' && text !== '',
  );
  const text = said.length > 0 ? said.join(' ') : body.slice(0, 2000);
  return new Set(text.split(/[^a-z_]+/));
}

function parse(body: string): z.infer<typeof refusal> | undefined {
  try {
    return refusal.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
