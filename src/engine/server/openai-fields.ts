import type { BodyFault, GenerationRequest } from './generation-request.ts';

const SHARED_FIELDS = [
  'model',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'max_tokens',
  'n',
  'presence_penalty',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'user',
];
/** OpenAI's own fields of each endpoint. */
export const COMPLETION_FIELDS = [...SHARED_FIELDS, 'prompt', 'best_of', 'echo', 'suffix'];
export const CHAT_FIELDS = [
  ...SHARED_FIELDS,
  'messages',
  'max_completion_tokens',
  'metadata',
  'parallel_tool_calls',
  'reasoning_effort',
  'response_format',
  'service_tier',
  'store',
  'tool_choice',
  'tools',
  'top_logprobs',
];
const STREAM_OPTIONS = ['include_usage', 'include_obfuscation'];

/** Reads a body as `parse` does, unless it has a field that is not OpenAI's. */
export function refusingOthers(
  fields: readonly string[],
  parse: (text: string) => GenerationRequest | BodyFault,
): (text: string) => GenerationRequest | BodyFault {
  return (text) => {
    const request = parse(text);
    if ('message' in request) return request;
    const body: unknown = JSON.parse(text);
    const options = typeof body === 'object' && body !== null && 'stream_options' in body ? body.stream_options : null;
    const param = strange(body, fields) ?? strange(options, STREAM_OPTIONS);
    return param === undefined ? request : { message: `Unrecognized request argument supplied: ${param}`, param };
  };
}

function strange(object: unknown, known: readonly string[]): string | undefined {
  return Object.keys(object ?? {}).find((key) => !known.includes(key));
}
