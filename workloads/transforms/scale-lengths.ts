import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { MAX_ROW_TOKENS } from '../formats/faults.ts';
import { blockCount } from '../formats/blocks.ts';
import { Numbers } from '../numbers.ts';
import { blockTokensFor, withInput } from './prompt-length.ts';
import { numberArg, type Args, type Transform } from './transform.ts';

/**
 * Prompts `factor` times as long, their common beginnings too: what stood within the first tokens of a prompt stands
 * within so many times as many, so that the share of prefixes that requests have in common stays, in whole blocks.
 */
export const scaleInput: Transform = (source, args) => {
  const factor = factorArg('scale-input', args);
  return {
    async *open() {
      const scale = blockScaler(factor);
      for await (const batch of source.open())
        yield batch.map((request) => {
          const scaled = withInput(source, request, scaledLength(request.inputTokens, factor), '--scale-input');
          const newTokens =
            request.newTokens === undefined
              ? {}
              : { newTokens: Math.min(scaled.inputTokens, scaledLength(request.newTokens, factor)) };
          if (request.blocks === undefined) return { ...scaled, ...newTokens };
          const blockTokens = blockTokensFor(source, request, '--scale-input');
          return { ...scaled, ...newTokens, blocks: scale(request, scaled.inputTokens, blockTokens) };
        });
    },
  };
};

/** Answers `factor` times as long. */
export const scaleOutput: Transform = (source, args) => {
  const factor = factorArg('scale-output', args);
  return {
    async *open() {
      for await (const batch of source.open())
        yield batch.map((request) => ({ ...request, outputTokens: scaledLength(request.outputTokens, factor) }));
    },
  };
};

function factorArg(op: string, args: Args): number {
  const factor = numberArg(op, args, 'factor');
  if (factor > 0 && factor <= 1000) return factor;
  throw new UserError(`--${op}: got ${factor}, expected a number above 0 and up to 1000, e.g. 0.5`);
}

/** At least 1, rounded half up. */
function scaledLength(tokens: number, factor: number): number {
  return Math.min(MAX_ROW_TOKENS, Math.max(1, Math.floor(tokens * factor + 0.5)));
}

/** More blocks than a prompt of `MAX_ROW_TOKENS` has, of one token each. */
const MOST_BLOCKS = 2 ** 24;
/** Of ids, and of prefixes, so that two of their numbers make one. */
const MOST_NUMBERS = 2 ** 26;

/**
 * A block of the scaled prompt is named by all blocks of the trace that its tokens come from, and by its place: prompts
 * begin alike as far as those do. Blocks that a row does not list, its last one in part, are its own.
 */
function blockScaler(factor: number): (request: Request, inputTokens: number, blockTokens: number) => number[] {
  const ids = new Numbers();
  const prefixes = new Numbers();
  /** Of the prefix that is another one and a block behind it; never 0, the empty one. */
  const behind = (prefix: number, id: number): number => prefixes.of(prefix * MOST_NUMBERS + ids.of(id)) + 1;
  return ({ inputTokens: before, blocks = [], traceRow }, inputTokens, blockTokens) => {
    const listed: number[] = [];
    for (const id of blocks) listed.push(behind(listed.at(-1) ?? 0, id));
    if (listed.length < blockCount(before, blockTokens)) listed.push(behind(listed.at(-1) ?? 0, -1 - traceRow));
    return Array.from({ length: blockCount(inputTokens, blockTokens) }, (_, place) => {
      const covered = Math.min(listed.length, Math.ceil((place + 1) / factor - 1e-9));
      return (listed[covered - 1] ?? 0) * MOST_BLOCKS + place;
    });
  };
}
