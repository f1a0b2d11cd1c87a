import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { idsOfBlocks } from './block-ids.ts';
import type { TraceWriter } from './writer.ts';

/** What all of its readers take, though no file says it. */
const BLOCK_TOKENS = 512;

/** Mooncake's JSON Lines: milliseconds, lengths, and ids of blocks of 512 tokens where the trace has blocks. */
export const mooncakeWriter: TraceWriter = {
  name: 'mooncake',
  holds: new Set<keyof Request>(['blocks']),
  open({ source }) {
    const { blockTokens } = source;
    if (blockTokens !== undefined && blockTokens !== BLOCK_TOKENS)
      throw new UserError(
        `--to mooncake: ${source.name} has prefix blocks of ${blockTokens} tokens, and a Mooncake trace has those of ${BLOCK_TOKENS}; write it as native, aiperf or vllm-timed, or read it with --block-tokens ${BLOCK_TOKENS} where its blocks are made of lengths`,
      );
    const idsOf = blockTokens === undefined ? null : idsOfBlocks(source, BLOCK_TOKENS);
    return {
      header: () => '',
      line(request) {
        if (idsOf === null && request.blocks !== undefined)
          throw new UserError(
            `${source.path}:${request.traceRow}: the row has prefix blocks, and nothing says how many tokens they have; give it with --block-tokens N`,
          );
        const { dueUs, inputTokens, outputTokens } = request;
        const ids = idsOf === null ? '' : `,"hash_ids":[${idsOf(request).join(',')}]`;
        return `{"timestamp":${Math.floor(dueUs / 1000 + 0.5)},"input_length":${inputTokens},"output_length":${outputTokens}${ids}}\n`;
      },
      notes: [],
    };
  },
};
