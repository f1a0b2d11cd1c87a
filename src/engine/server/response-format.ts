import type { Completion } from '../engine.ts';
import { errorBody, errorType } from './http-server.ts';
import type { GenerationRequest } from './requests.ts';
import { TOKEN_ID, TOKEN_TEXT } from './tokenizer.ts';

/**
 * The bytes of one request's response. JSON is put together by hand, with its constant parts made once a request: a
 * stream then costs one string for most of its tokens.
 */
export interface ResponseFormat {
  /** Type of a streamed response; null: it has none. Absent: server-sent events. */
  readonly contentType?: null;
  /** Server-sent events of the next `count` tokens, `total` of them so far; `isLast`: with the finish reason. */
  events(count: number, total: number, isLast: boolean): string;
  /** Server-sent events after the last token: usage if the request asks for it, and the end mark. */
  endEvents(total: number, completion: Completion): string;
  /** `count` tokens have come out, of a response that is not streamed. */
  came?(count: number): void;
  /** The JSON of the whole response, where no stream was requested. */
  body(total: number, completion: Completion): string;
  /** Server-sent events of a request that fails once its stream has begun; left out where such a stream breaks off. */
  readonly errorEvents?: (status: number, message: string) => string;
}

/** Makes the format of one response; `requestId` is that of `X-Request-Id`. */
export type ResponseFormatter = (request: GenerationRequest, requestId: string, model: string) => ResponseFormat;

const END_MARK = 'data: [DONE]\n\n';

/** `/v1/completions`, shaped as vLLM's. */
export function completionFormat(request: GenerationRequest, requestId: string, model: string): ResponseFormat {
  const head = openAiHead(`cmpl-${requestId}`, 'text_completion', model);
  const choice = (count: number, finishReason: string, promptIds: string): string =>
    `[{"index":0,"text":"${TOKEN_TEXT.repeat(count)}","logprobs":null,"finish_reason":${finishReason},"stop_reason":null,"prompt_token_ids":${promptIds},"token_ids":${outputIds(request, count)}}]`;
  const oneToken = event(head, choice(1, 'null', 'null'));
  return {
    events(count, total, isLast) {
      const withPrompt = total === count && request.returnTokenIds;
      if (count === 1 && !isLast && !withPrompt && !request.continuousUsage) return oneToken;
      const promptIds = withPrompt ? promptIdsOf(request) : 'null';
      return event(head, choice(count, isLast ? '"length"' : 'null', promptIds), usageSoFar(request, total));
    },
    endEvents: (total, completion) => openAiEnd(head, request, total, completion),
    body: (total, completion) =>
      `${head}${choice(total, '"length"', promptIdsOf(request))}${finalUsage(request, total, completion)}}`,
    errorEvents: openAiError,
  };
}

/** `/v1/chat/completions`, shaped as vLLM's: an event with the role and no token precedes the first token. */
export function chatFormat(request: GenerationRequest, requestId: string, model: string): ResponseFormat {
  const head = openAiHead(`chatcmpl-${requestId}`, 'chat.completion.chunk', model);
  const choice = (count: number, isLast: boolean): string => {
    const reason = isLast ? '"length","stop_reason":null' : 'null';
    return `[{"index":0,"delta":{"content":"${TOKEN_TEXT.repeat(count)}"},"logprobs":null,"finish_reason":${reason},"token_ids":${outputIds(request, count)}}]`;
  };
  const oneToken = event(head, choice(1, false));
  const promptIds = (): string => `,"prompt_token_ids":${promptIdsOf(request)}`;
  const roleEvent = (): string => {
    const role = '[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]';
    return event(head, role, usageSoFar(request, 0) + promptIds());
  };
  return {
    events(count, total, isLast) {
      const role = total === count ? roleEvent() : '';
      if (count === 1 && !isLast && !request.continuousUsage) return role + oneToken;
      return role + event(head, choice(count, isLast), usageSoFar(request, total));
    },
    endEvents: (total, completion) => openAiEnd(head, request, total, completion),
    body(total, completion) {
      const message = `{"role":"assistant","content":"${TOKEN_TEXT.repeat(total)}"}`;
      const whole = `[{"index":0,"message":${message},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":${outputIds(request, total)}}]`;
      const bodyHead = openAiHead(`chatcmpl-${requestId}`, 'chat.completion', model);
      return `${bodyHead}${whole}${finalUsage(request, total, completion)}${promptIds()}}`;
    },
    errorEvents: openAiError,
  };
}

/** SGLang's `/generate`: each event has the whole output so far, the last one the finish reason too. */
export function generateFormat(request: GenerationRequest, requestId: string): ResponseFormat {
  const head = `"meta_info":{"id":${JSON.stringify(requestId)},"finish_reason":`;
  const promptTokens = request.promptTokenIds.length;
  const output = (total: number, reason: string, cached = 0, more = ''): string =>
    `{"text":"${TOKEN_TEXT.repeat(total)}","output_ids":${repeatedId(total)},${head}${reason},"prompt_tokens":${promptTokens},"weight_version":"default","completion_tokens":${total},"cached_tokens":${cached}${more}}}`;
  const whole = (total: number, { cachedTokens, phases }: Completion): string =>
    output(total, `{"type":"length","length":${total}}`, cachedTokens, `,${phasesField(phases)}`);
  return {
    events: (_count, total) => `data: ${output(total, 'null')}\n\n`,
    endEvents: (total, completion) => `data: ${whole(total, completion)}\n\n${END_MARK}`,
    body: whole,
    errorEvents(status, message) {
      const reason = { type: 'abort', message, status_code: status, err_type: errorType(status) };
      return `data: ${output(0, JSON.stringify(reason))}\n\n${END_MARK}`;
    },
  };
}

/** The fields of an OpenAI object up to its choices. `created` is 0: the engine does not read the time of day. */
function openAiHead(id: string, object: string, model: string): string {
  return `{"id":${JSON.stringify(id)},"object":"${object}","created":0,"model":${JSON.stringify(model)},"choices":`;
}

/** `more`: fields after the choices, each with its comma. */
function event(head: string, choices: string, more = ''): string {
  return `data: ${head}${choices}${more}}\n\n`;
}

/** Usage on a chunk without choices if the request asks for it, and the end mark. */
function openAiEnd(head: string, request: GenerationRequest, total: number, completion: Completion): string {
  return (request.includeUsage ? event(head, '[]', finalUsage(request, total, completion)) : '') + END_MARK;
}

function openAiError(status: number, message: string): string {
  return `data: ${JSON.stringify(errorBody(status, message))}\n\n${END_MARK}`;
}

/** The field of usage so far, where the request asks for it on every chunk. */
function usageSoFar(request: GenerationRequest, total: number): string {
  return request.continuousUsage ? `,"usage":{${usageCounts(request, total)}}` : '';
}

/**
 * Usage at the end, with the prompt tokens that were in the prefix cache: as from vLLM with
 * `--enable-prompt-tokens-details`, except that 0 is given too. Beside it the phases.
 */
function finalUsage(request: GenerationRequest, total: number, { cachedTokens, phases }: Completion): string {
  const usage = `${usageCounts(request, total)},"prompt_tokens_details":{"cached_tokens":${cachedTokens}}`;
  return `,"usage":{${usage}},${phasesField(phases)}`;
}

function usageCounts({ promptTokenIds }: GenerationRequest, total: number): string {
  const promptTokens = promptTokenIds.length;
  return `"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + total},"completion_tokens":${total}`;
}

/** A field of this engine alone, which vLLM, SGLang and OpenAI do not have: microseconds by phase, or null. */
function phasesField(phases: Completion['phases']): string {
  const fields = Object.entries(phases).map(([name, us]) => `"${name}":${us === null ? 'null' : Math.round(us)}`);
  return `"phases":{${fields.join(',')}}`;
}

/** The ids of `count` output tokens; null unless the request asks for ids. */
function outputIds(request: GenerationRequest, count: number): string {
  return request.returnTokenIds ? repeatedId(count) : 'null';
}

/** The ids of the prompt, made up where it was text; null unless the request asks for ids. */
function promptIdsOf(request: GenerationRequest): string {
  if (!request.returnTokenIds || !request.promptWasIds) return outputIds(request, request.promptTokenIds.length);
  return JSON.stringify(request.promptTokenIds);
}

function repeatedId(count: number): string {
  return `[${Array(count).fill(TOKEN_ID).join(',')}]`;
}
