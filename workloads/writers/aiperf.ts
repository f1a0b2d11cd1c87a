import type { Request } from '../../src/core/request.ts';
import { idsOfBlocks } from './block-ids.ts';
import type { TraceWriter } from './writer.ts';

/** The size that AIPerf takes where it is told none. */
const USUAL_BLOCK_TOKENS = 512;

/**
 * AIPerf's `mooncake_trace`: milliseconds, the length of the answer, and of the prompt its length and blocks, or the prompt
 * itself. Sessions are left out: there a later turn has no time of its own.
 */
export const aiperfWriter: TraceWriter = {
  name: 'aiperf',
  holds: new Set<keyof Request>(['blocks', 'prompt', 'payload']),
  open({ source }) {
    const size = source.blockTokens;
    const idsOf = size === undefined ? null : idsOfBlocks(source, size);
    return {
      header: () => '',
      line(request) {
        const own = promptOf(request);
        const ids = idsOf === null ? {} : { hash_ids: idsOf(request) };
        return `${JSON.stringify({ timestamp: request.dueUs / 1000, ...(own ?? { input_length: request.inputTokens, ...ids }), output_length: request.outputTokens })}\n`;
      },
      notes: [
        `replay it by aiperf profile --custom-dataset-type mooncake_trace --fixed-schedule${size === undefined || size === USUAL_BLOCK_TOKENS ? '' : ` --isl-block-size ${size}`}`,
      ],
    };
  },
};

function promptOf({ prompt, payload }: Request): object | null {
  if (payload !== undefined) return { payload };
  if (prompt?.kind === 'text') return { text_input: prompt.text };
  return prompt?.kind === 'messages' ? { messages: prompt.messages } : null;
}
