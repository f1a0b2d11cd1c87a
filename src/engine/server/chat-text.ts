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
 * An answer of `/v1/chat/completions`, shaped as vLLM's: with the first tokens, and before them, comes a chunk with the
 * role and an empty content, which is no token.
 */
export class ChatText implements AnswerText {
  readonly #request: GenerationRequest;
  readonly #head: string;
  readonly #wholeHead: string;
  readonly #oneToken: string;

  constructor(request: GenerationRequest, requestId: string, model: string) {
    this.#request = request;
    this.#head = answerHead(`chatcmpl-${requestId}`, 'chat.completion.chunk', model);
    this.#wholeHead = answerHead(`chatcmpl-${requestId}`, 'chat.completion', model);
    this.#oneToken = this.#event(this.#choice(1, false), '');
  }

  tokens(count: number, total: number, isLast: boolean): string {
    const request = this.#request;
    const role = total === count ? this.#role() : '';
    if (count === 1 && !isLast && !request.usageOnEveryChunk) return role + this.#oneToken;
    const usage = request.usageOnEveryChunk ? usageField(request, total) : '';
    return role + this.#event(this.#choice(count, isLast), usage);
  }

  ending(total: number, told: Told): string {
    return ending(this.#head, this.#request, total, told);
  }

  whole(total: number, told: Told): string {
    const content = TOKEN_TEXT.repeat(total);
    const choice = `{"index":0,"message":{"role":"assistant","content":"${content}"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":${tokenIds(this.#request, total)}}`;
    return `${this.#wholeHead}[${choice}]${finalUsageField(this.#request, total, told)}${this.#promptIds()}}`;
  }

  #role(): string {
    const usage = this.#request.usageOnEveryChunk ? usageField(this.#request, 0) : '';
    const choice = '{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}';
    return this.#event(choice, `${usage}${this.#promptIds()}`);
  }

  #promptIds(): string {
    return `,"prompt_token_ids":${promptIds(this.#request)}`;
  }

  #event(choice: string, more: string): string {
    return `data: ${this.#head}[${choice}]${more}}\n\n`;
  }

  #choice(count: number, isLast: boolean): string {
    const reason = isLast ? '"length","stop_reason":null' : 'null';
    return `{"index":0,"delta":{"content":"${TOKEN_TEXT.repeat(count)}"},"logprobs":null,"finish_reason":${reason},"token_ids":${tokenIds(this.#request, count)}}`;
  }
}
