import { phasesField, type AnswerText, type Told } from './answer-text.ts';
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

  ending(total: number, told: Told): string {
    return `data: ${this.#answer(total, told)}\n\ndata: [DONE]\n\n`;
  }

  whole(total: number, told: Told): string {
    return this.#answer(total, told);
  }

  /** `told`: null while it goes on. */
  #answer(total: number, told: Told | null): string {
    const reason = told === null ? 'null' : `{"type":"length","length":${total}}`;
    const phases = told === null ? '' : `,${phasesField(told.phases)}`;
    const ids = Array(total).fill(TOKEN_ID).join(',');
    return `{"text":"${TOKEN_TEXT.repeat(total)}","output_ids":[${ids}],"meta_info":{"id":${this.#id},"finish_reason":${reason},"prompt_tokens":${this.#promptTokens},"weight_version":"default","completion_tokens":${total},"cached_tokens":${told?.cachedTokens ?? 0}${phases}}}`;
  }
}
