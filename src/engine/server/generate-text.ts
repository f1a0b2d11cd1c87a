import type { AnswerText } from './answer-text.ts';
import { TOKEN_ID, TOKEN_TEXT, type GenerationRequest } from './generation-request.ts';

/** An answer of SGLang's `/generate`: each event has all of the answer so far, and the last of them the reason. */
export class GenerateText implements AnswerText {
  readonly #promptTokens: number;
  readonly #id: string;

  constructor(request: GenerationRequest, requestId: string) {
    this.#promptTokens = request.promptPieces.length;
    this.#id = JSON.stringify(requestId);
  }

  tokens(_count: number, total: number): string {
    return `data: ${this.#answer(total, null)}\n\n`;
  }

  ending(total: number, cached: number): string {
    return `data: ${this.#answer(total, cached)}\n\ndata: [DONE]\n\n`;
  }

  whole(total: number, cached: number): string {
    return this.#answer(total, cached);
  }

  /** `cached`: null while it goes on. */
  #answer(total: number, cached: number | null): string {
    const reason = cached === null ? 'null' : `{"type":"length","length":${total}}`;
    const ids = Array(total).fill(TOKEN_ID).join(',');
    return `{"text":"${TOKEN_TEXT.repeat(total)}","output_ids":[${ids}],"meta_info":{"id":${this.#id},"finish_reason":${reason},"prompt_tokens":${this.#promptTokens},"weight_version":"default","completion_tokens":${total},"cached_tokens":${cached ?? 0}}}`;
  }
}
