import type { Codec } from '../core/codec.ts';
import type { PromptMaker } from '../core/prompt-maker.ts';
import type { Sink } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget } from '../replay/transport.ts';
import type { ServerAccess } from './ask.ts';

const PATIENCE_MS = 60_000;

/** What the server counted, or why it is not known. */
export type Counted = { readonly tokens: number } | { readonly fault: string };

/**
 * How many input tokens the server counts for a text that `makeCodec` sends: one request for one token, through the
 * same codec and transport as a run's.
 */
export async function countText(
  access: ServerAccess,
  makeCodec: (prompts: PromptMaker) => Codec,
  text: string,
): Promise<Counted> {
  const codec = makeCodec({ ids: () => [], text: () => text });
  const target = new HttpTarget(codec, new WallClock(), access);
  const request = { id: 'prompt-length', traceRow: 0, dueUs: 0, inputTokens: 1, outputTokens: 1 };
  try {
    return await new Promise<Counted>((resolve) => {
      const late = setTimeout(() => resolve({ fault: `no answer within ${PATIENCE_MS / 1000} s` }), PATIENCE_MS);
      const done = (counted: Counted): void => {
        clearTimeout(late);
        resolve(counted);
      };
      const sink: Sink = {
        sent: () => undefined,
        tokens: () => undefined,
        end: (_index, _timeUs, { inputTokens }) =>
          done(inputTokens === null ? { fault: 'its answers tell no input tokens' } : { tokens: inputTokens }),
        fail: (_index, _timeUs, outcome, error) => done({ fault: `${outcome}: ${error}` }),
      };
      target.send({ index: 0, request, calls: codec.open(request) }, sink);
    });
  } finally {
    await target.close();
  }
}
