import type { Request } from '../../src/core/request.ts';
import { idsOfBlocks } from './block-ids.ts';
import type { TraceWriter } from './writer.ts';

/** Of traces without blocks, whose ids only make prompts long enough. */
const BLOCK_TOKENS = 512;

/** vLLM's `timed_trace`: seconds, lengths, and ids of blocks, without which its prompts would be too short. */
export const vllmTimedWriter: TraceWriter = {
  name: 'vllm-timed',
  holds: new Set<keyof Request>(['blocks']),
  open({ source }) {
    const size = source.blockTokens ?? BLOCK_TOKENS;
    const idsOf = idsOfBlocks(source, size);
    return {
      header: () => '',
      line(request) {
        const { dueUs, inputTokens, outputTokens } = request;
        return `{"timestamp":${dueUs / 1e6},"input_length":${inputTokens},"output_length":${outputTokens},"hash_ids":[${idsOf(request).join(',')}]}\n`;
      },
      notes: [
        `replay it by vllm bench serve --dataset-name timed_trace --self-timed --timed-trace-chunk-hash-size ${size}: without the last one its prompts have another length`,
        'read it here with --trace-format vllm-timed: its rows look like those of Mooncake, which count milliseconds',
      ],
    };
  },
};
