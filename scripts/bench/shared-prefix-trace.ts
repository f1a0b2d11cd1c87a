import { randomStream } from '../../src/core/random.ts';

const BLOCK_TOKENS = 64;
const GROUPS = 40;

/** The text of a trace (`.rtrace.jsonl`) of requests that begin with one of a few long prompts, some all the same. */
export function sharedPrefixTrace(requests: number, ratePerS: number, meanOutputTokens: number): string {
  const random = randomStream(1, 'shared prefixes');
  const between = (least: number, most: number): number => least + (random() % (most - least + 1));
  const groupBlocks = Array.from({ length: GROUPS }, () => between(1, 10));
  const meanGapUs = 1e6 / ratePerS;
  let nextBlock = 1000;
  let t_us = 0;
  const rows = Array.from({ length: requests }, () => {
    const group = random() % GROUPS;
    const blocks = Array.from({ length: groupBlocks[group] ?? 0 }, (_, i) => group * 10 + i);
    const isWhole = random() % 10 === 0;
    const ownTokens = between(1, 6 * BLOCK_TOKENS);
    // One in ten asks what others of its group ask: as many tokens, whose last block is not full.
    const tail = isWhole
      ? [500 + group]
      : Array.from({ length: Math.ceil(ownTokens / BLOCK_TOKENS) }, () => nextBlock++);
    const input_tokens = blocks.length * BLOCK_TOKENS + (isWhole ? 20 + group : ownTokens);
    t_us += between(1, 2 * meanGapUs - 1);
    return { t_us, input_tokens, output_tokens: between(1, 2 * meanOutputTokens - 1), blocks: [...blocks, ...tail] };
  });
  const lines = [{ reprise_trace: 1, block_size: BLOCK_TOKENS }, ...rows];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}
