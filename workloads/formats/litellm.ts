import { isJsonObject, messagesIn, objectIn, shapingParams } from './body-params.ts';
import type { Format } from './format.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowRequest } from './named-rows.ts';
import { keysOf } from './json-lines.ts';
import { given } from './given.ts';

const NEEDED = ['call_type', 'startTime', 'prompt_tokens', 'completion_tokens'];
const USES = [
  ...NEEDED,
  'id',
  'request_id',
  'endTime',
  'completionStartTime',
  'model',
  'model_group',
  'session_id',
  'end_user',
  'user',
  'cache_hit',
  'status',
  'error_str',
  'messages',
  'model_parameters',
  'metadata',
  'stream',
];
/** A sum, a difference and the answer: they say nothing beyond the keys that are read. */
const DERIVED = ['total_tokens', 'response_time', 'response'];

/**
 * Logs of the LiteLLM gateway: its standard logging payload as JSON Lines, with times in seconds since 1970, or its table
 * of spend logs as CSV or JSON, with dates in UTC.
 */
export const liteLlm: Format = {
  name: 'litellm',
  begins: '{"id":...,"call_type":"acompletion","startTime":...,"prompt_tokens":...,"completion_tokens":...}',
  matches(head, rows) {
    if (hasNames(head, NEEDED)) return true;
    return [head, ...rows.slice(0, 20)].some((line) => {
      const keys = keysOf(line);
      return NEEDED.every((name) => keys.includes(name));
    });
  },
  notes: (head, keys) => namedNotes(head, keys, [...USES, ...DERIVED]),
  read: (text, rows) => namedRequests(text, rows, { uses: USES, ids: 'unique', read }),
};

/** Calls that a language model answers with a text. */
const COMPLETIONS = /^a?(?:completion|text_completion|responses|anthropic_messages|generate_content)(?:_stream)?$/;

function read(fields: Fields): RowRequest | string {
  const type = fields.text('call_type') ?? 'completion';
  if (!COMPLETIONS.test(type)) return `call_type ${type.slice(0, 60)}, which is no completion`;
  // A hit in the cache of the gateway never came to the engine.
  if (/^true$/i.test(String(fields.value('cache_hit')))) return "answered from the gateway's cache";
  const hasFailed = fields.value('status') === 'failure' || fields.value('error_str') !== undefined;
  const empty = ['completion_tokens', 'prompt_tokens'].find((name) => fields.isZero(name));
  if (empty !== undefined) return `${hasFailed ? 'failed: ' : ''}0 ${empty}`;
  const missing = ['completion_tokens', 'prompt_tokens'].find((name) => fields.value(name) === undefined);
  if (hasFailed && missing !== undefined) return `failed: no ${missing}`;
  const arrivalUs = fields.time('startTime');
  const endUs = fields.perhapsTime('endTime');
  const firstUs = fields.perhapsTime('completionStartTime');
  const source = given({
    // An answer that was not streamed begins where it ends.
    ttftUs: firstUs !== undefined && firstUs !== endUs && firstUs >= arrivalUs ? firstUs - arrivalUs : undefined,
    e2eUs: endUs !== undefined && endUs >= arrivalUs ? endUs - arrivalUs : undefined,
    cachedTokens: cachedTokens(fields.value('metadata')),
    failed: hasFailed ? (true as const) : undefined,
  });
  const messages = messagesIn(fields.value('messages'));
  return {
    id: fields.text(fields.first('id', 'request_id')),
    arrivalUs,
    inputTokens: fields.tokens('prompt_tokens'),
    outputTokens: fields.tokens('completion_tokens'),
    // What the client asked for; `model` is what the gateway made of it.
    model: fields.text(fields.first('model_group', 'model')),
    session: fields.text('session_id'),
    user: fields.text(fields.first('end_user', 'user')),
    prompt: messages === undefined ? undefined : { kind: 'messages', messages },
    params: shapingParams(objectIn(fields.value('model_parameters'))),
    source: Object.keys(source).length > 0 ? source : undefined,
  };
}

function cachedTokens(metadata: unknown): number | undefined {
  const usage = objectIn(metadata)?.['usage_object'];
  const details = isJsonObject(usage) ? usage['prompt_tokens_details'] : undefined;
  const cached = isJsonObject(details) ? details['cached_tokens'] : undefined;
  return typeof cached === 'number' && Number.isInteger(cached) && cached >= 0 ? cached : undefined;
}
