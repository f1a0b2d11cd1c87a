import type { Completion } from '../engine.ts';
import { TOKEN_ID, type GenerationRequest } from './generation-request.ts';

/** The JSON of one answer in the dialect of its endpoint. `created` is 0: the engine does not read the time of day. */
export interface AnswerText {
  /** The events of `count` tokens that make it `total` in all; `isLast`: with the finish reason. */
  tokens(count: number, total: number, isLast: boolean): string;
  /** What follows the last token: usage if it was asked for, and the end mark. */
  ending(total: number, told: Told): string;
  /** The whole answer, where no stream was asked for. */
  whole(total: number, told: Told): string;
}

/** What is told of a request that has ended. */
export type Told = Pick<Completion, 'cachedTokens' | 'phases'>;

/** Makes the text of one answer; `requestId` is as in `X-Request-Id`. */
export type AnswerTextMaker = (request: GenerationRequest, requestId: string, model: string) => AnswerText;

export function answerHead(id: string, object: string, model: string): string {
  return `{"id":${JSON.stringify(id)},"object":"${object}","created":0,"model":${JSON.stringify(model)},"choices":`;
}

/** A field that follows others: usage so far. */
export function usageField(request: GenerationRequest, total: number): string {
  return `,"usage":{${usageCounts(request, total)}}`;
}

/**
 * Usage at the end, with what the cache had of the prompt: as from vLLM with `--enable-prompt-tokens-details`, except
 * that 0 is said too. Beside it, where the time went.
 */
export function finalUsageField(request: GenerationRequest, total: number, { cachedTokens, phases }: Told): string {
  const usage = `${usageCounts(request, total)},"prompt_tokens_details":{"cached_tokens":${cachedTokens}}`;
  return `,"usage":{${usage}},${phasesField(phases)}`;
}

/** A field of this engine's own, which no server that it acts as has: microseconds, or null. */
export function phasesField(phases: Completion['phases']): string {
  const whole = Object.entries(phases).map(([name, us]) => `"${name}":${us === null ? 'null' : Math.round(us)}`);
  return `"phases":{${whole.join(',')}}`;
}

function usageCounts({ promptPieces }: GenerationRequest, total: number): string {
  const promptTokens = promptPieces.length;
  return `"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + total},"completion_tokens":${total}`;
}

/** JSON of the ids of `count` tokens; null unless ids were asked for. */
export function tokenIds(request: GenerationRequest, count: number): string {
  return request.tokenIds ? `[${Array(count).fill(TOKEN_ID).join(',')}]` : 'null';
}

/** JSON of the ids of the prompt; null unless ids were asked for. */
export function promptIds(request: GenerationRequest): string {
  return request.promptIds === null
    ? tokenIds(request, request.promptPieces.length)
    : JSON.stringify(request.promptIds);
}

/** Usage on a chunk of its own if it was asked for, and the end mark. */
export function ending(head: string, request: GenerationRequest, total: number, told: Told): string {
  return `${request.usage ? `data: ${head}[]${finalUsageField(request, total, told)}}\n\n` : ''}data: [DONE]\n\n`;
}
