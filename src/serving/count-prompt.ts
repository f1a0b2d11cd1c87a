import type { Codec, PromptMaker } from '../core/codec.ts';
import type { Prompt } from '../core/request.ts';
import { openSingleRequests } from '../replay/single-requests.ts';
import type { ServerAccess } from '../replay/transport.ts';

const TIMEOUT_US = 60e6;

/** The server's count, or why it is not known; `isUntold`: answers come, and never tell it. */
type Counted = { readonly tokens: number } | { readonly fault: string; readonly isUntold: boolean };

/** How many input tokens the server counts for a prompt that `makeCodec` sends: one request for one token, as in a run. */
export async function countPrompt(
  endpoints: readonly ServerAccess[],
  makeCodec: (prompts: PromptMaker) => Codec,
  prompt: Prompt,
): Promise<Counted> {
  const text = (): string => (prompt.kind === 'text' ? prompt.text : '');
  const requests = openSingleRequests(makeCodec({ ids: () => [], text }), endpoints, TIMEOUT_US);
  try {
    const request = { id: 'prompt-length', traceRow: 0, dueUs: 0, inputTokens: 1, outputTokens: 1, prompt };
    const result = await requests.send(request);
    if (result.kind === 'failed') return { fault: result.why, isUntold: false };
    const { inputTokens } = result.response;
    if (inputTokens !== null) return { tokens: inputTokens };
    return { fault: 'its answers tell no input tokens', isUntold: true };
  } finally {
    await requests.close();
  }
}
