import type { CompletionRequest } from './completion-request.ts';

/** Every token is this one: clients count and time tokens, they do not read them. */
const TOKEN_TEXT = ' token';
const TOKEN_ID = 4037;

/**
 * The JSON of one answer, shaped as vLLM's. Its constant parts are put together once a request, so that most events
 * are one string that already exists. `created` is 0: the engine does not read the time of day.
 */
export class CompletionText {
  readonly #request: CompletionRequest;
  readonly #beforeChoices: string;
  readonly #oneToken: string;

  constructor(request: CompletionRequest, completionId: string, model: string) {
    this.#request = request;
    this.#beforeChoices = `{"id":${JSON.stringify(completionId)},"object":"text_completion","created":0,"model":${JSON.stringify(model)},"choices":`;
    this.#oneToken = this.#event(this.#choice(1, 'null'), '');
  }

  /** The event of `count` tokens that make it `total` in all; `isLast`: the one that carries the finish reason. */
  tokens(count: number, total: number, isLast: boolean): string {
    if (count === 1 && !isLast && !this.#request.usageOnEveryChunk) return this.#oneToken;
    const usage = this.#request.usageOnEveryChunk ? this.#usage(total) : '';
    return this.#event(this.#choice(count, isLast ? '"length"' : 'null'), usage);
  }

  /** What follows the last token: usage if it was asked for, and the end mark. */
  ending(total: number): string {
    const usage = this.#request.usage ? this.#event('', this.#usage(total)) : '';
    return `${usage}data: [DONE]\n\n`;
  }

  /** The whole answer, where no stream was asked for. */
  whole(total: number): string {
    return `${this.#beforeChoices}[${this.#choice(total, '"length"')}]${this.#usage(total)}}`;
  }

  #event(choice: string, usage: string): string {
    return `data: ${this.#beforeChoices}[${choice}]${usage}}\n\n`;
  }

  #choice(count: number, finishReason: string): string {
    const ids = this.#request.tokenIds ? `[${Array(count).fill(TOKEN_ID).join(',')}]` : 'null';
    return `{"index":0,"text":"${TOKEN_TEXT.repeat(count)}","logprobs":null,"finish_reason":${finishReason},"stop_reason":null,"prompt_token_ids":null,"token_ids":${ids}}`;
  }

  #usage(total: number): string {
    const prompt = this.#request.promptTokens;
    return `,"usage":{"prompt_tokens":${prompt},"total_tokens":${prompt + total},"completion_tokens":${total}}`;
  }
}
