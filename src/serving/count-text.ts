import type { Codec, PromptMaker } from '../core/codec.ts';
import { messageOf } from '../core/errors.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { openSingleRequests } from './single-requests.ts';

const PATIENCE_US = 60e6;

/** What the server counted, or why it is not known. */
export type Counted = { readonly tokens: number } | { readonly fault: string };

/** How many input tokens the server counts for a text that `makeCodec` sends: one request for one token, as in a run. */
export async function countText(
  access: ServerAccess,
  makeCodec: (prompts: PromptMaker) => Codec,
  text: string,
): Promise<Counted> {
  const asker = openSingleRequests(makeCodec({ ids: () => [], text: () => text }), access, PATIENCE_US);
  try {
    const request = { id: 'prompt-length', traceRow: 0, dueUs: 0, inputTokens: 1, outputTokens: 1 };
    const { inputTokens } = await asker.send(request);
    return inputTokens === null ? { fault: 'its answers tell no input tokens' } : { tokens: inputTokens };
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  } finally {
    await asker.close();
  }
}
