import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json } from './json.ts';

/** The fields of every request's body that the user sets. Plain data, because each thread makes its own codec. */
export interface BodyOptions {
  /** False: `ignore_eos` and `min_tokens` are not sent, and outputs end where the model ends them. */
  readonly ignoreEos: boolean;
  readonly temperature: number;
  /** False: an answer comes whole, with the server's own times of its tokens; for adapters that tell them alone. */
  readonly stream: boolean;
  /** Merged into the body, objects at every depth. */
  readonly extra: Json;
}

export const USUAL_BODY: BodyOptions = { ignoreEos: true, temperature: 0, stream: true, extra: {} };

export function isUsualBody(body: BodyOptions): boolean {
  return isDeepStrictEqual(body, USUAL_BODY);
}

const PROMPT = 'prompts are made from the trace';
const LENGTH =
  'the trace has the lengths of outputs; --clip-output N caps them, --no-ignore-eos lets the model end them';
const COUNTS = 'tokens are counted by it';
const ONE = 'one answer a request is measured';
const ID = 'a request has an id by which its record is found';

/** The fields that codecs set, or that would change what is measured: path -> why it is no field of `--extra-body`. */
const RESERVED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    model: '--model NAME sets it',
    prompt: PROMPT,
    messages: PROMPT,
    input_ids: PROMPT,
    text: PROMPT,
    prompt_embeds: PROMPT,
    input_embeds: PROMPT,
    echo: 'a prompt that comes back would be counted as output',
    stream: 'tokens are timed as they are streamed; --no-stream turns it off where the server tells their times',
    'stream_options.include_usage': COUNTS,
    'stream_options.continuous_usage_stats': COUNTS,
    return_token_ids: COUNTS,
    ...underBoth({
      max_tokens: LENGTH,
      max_completion_tokens: LENGTH,
      min_tokens: LENGTH,
      max_new_tokens: LENGTH,
      min_new_tokens: LENGTH,
      ignore_eos: '--no-ignore-eos turns it off',
      temperature: '--temperature X sets it',
      n: ONE,
      best_of: ONE,
      use_beam_search: ONE,
    }),
    rid: ID,
    request_id: ID,
  }),
);

/** Fields of OpenAI's routes, which SGLang's own has in `sampling_params`. */
function underBoth(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, why]) => [
      [name, why],
      [`sampling_params.${name}`, why],
    ]),
  );
}

/** The first field of an extra body that a request must not take from the user, and why; null if there is none. */
export function reservedField(extra: Json, under = ''): { readonly field: string; readonly why: string } | null {
  for (const [name, value] of Object.entries(extra)) {
    const field = under + name;
    const why = RESERVED.get(field);
    if (why !== undefined) return { field, why };
    const holdsReserved = [...RESERVED.keys()].some((path) => path.startsWith(`${field}.`));
    if (!holdsReserved) continue;
    if (!isObject(value)) return { field, why: 'it would replace fields that are sent; give an object' };
    const inside = reservedField(value, `${field}.`);
    if (inside !== null) return inside;
  }
  return null;
}

/** The fields of a trace's request that a run does not decide: temperature is of the request, where it gives one. */
export function shapingFields(params: Json): Json {
  return Object.fromEntries(
    Object.entries(params).filter(
      ([name]) => name === 'temperature' || (!RESERVED.has(name) && name !== 'stream_options'),
    ),
  );
}

/** A body with further fields: objects are merged, anything else is replaced. */
export function mergedBody(body: Json, extra: Json): Json {
  const merged = Object.entries(extra).map(([name, value]) => {
    const own = Object.hasOwn(body, name) ? body[name] : undefined;
    return [name, isObject(own) && isObject(value) ? mergedBody(own, value) : value];
  });
  return { ...body, ...Object.fromEntries(merged) };
}
