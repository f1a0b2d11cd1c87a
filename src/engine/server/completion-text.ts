import {
  answerHead,
  ending,
  finalUsageField,
  promptIds,
  tokenIds,
  usageField,
  type AnswerText,
  type Told,
} from './answer-text.ts';
import { TOKEN_TEXT, type GenerationRequest } from './generation-request.ts';

/**
 * An answer of `/v1/completions`, shaped as vLLM's. Its constant parts are put together once a request, so that most
 * events are one string that already exists.
 */
export class CompletionText implements AnswerText {
  readonly #request: GenerationRequest;
  readonly #head: string;
  readonly #oneToken: string;

  constructor(request: GenerationRequest, requestId: string, model: string) {
    this.#request = request;
    this.#head = answerHead(`cmpl-${requestId}`, 'text_completion', model);
    this.#oneToken = this.#event(this.#choice(1, 'null', 'null'), '');
  }

  tokens(count: number, total: number, isLast: boolean): string {
    const request = this.#request;
    const withPrompt = total === count && request.tokenIds;
    if (count === 1 && !isLast && !withPrompt && !request.usageOnEveryChunk) return this.#oneToken;
    const usage = request.usageOnEveryChunk ? usageField(request, total) : '';
    const ids = withPrompt ? promptIds(request) : 'null';
    return this.#event(this.#choice(count, isLast ? '"length"' : 'null', ids), usage);
  }

  ending(total: number, told: Told): string {
    return ending(this.#head, this.#request, total, told);
  }

  whole(total: number, told: Told): string {
    const choice = this.#choice(total, '"length"', promptIds(this.#request));
    return `${this.#head}[${choice}]${finalUsageField(this.#request, total, told)}}`;
  }

  #event(choice: string, usage: string): string {
    return `data: ${this.#head}[${choice}]${usage}}\n\n`;
  }

  #choice(count: number, finishReason: string, ids: string): string {
    return `{"index":0,"text":"${TOKEN_TEXT.repeat(count)}","logprobs":null,"finish_reason":${finishReason},"stop_reason":null,"prompt_token_ids":${ids},"token_ids":${tokenIds(this.#request, count)}}`;
  }
}
