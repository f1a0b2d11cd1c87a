import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { blockCount } from '../formats/blocks.ts';
import { blockTokensFor, withInput } from './prompt-length.ts';
import { numberArg, type Args, type Transform } from './transform.ts';

/** Ids from here on are made here: far above those of any trace, and one a row is enough. */
const FIRST_NEW_ID = 2 ** 46;

/** Prompts of at most `tokens` tokens; their prefix blocks are cut with them. */
export const clipInput: Transform = (source, args) => {
  const most = tokensArg('clip-input', args);
  return {
    async *open() {
      for await (const batch of source.open())
        yield batch.map((request) => (request.inputTokens <= most ? request : clipped(source, request, most)));
    },
  };
};

/** Answers of at most `tokens` tokens. */
export const clipOutput: Transform = (source, args) => {
  const most = tokensArg('clip-output', args);
  return {
    async *open() {
      for await (const batch of source.open())
        yield batch.map((request) => (request.outputTokens <= most ? request : { ...request, outputTokens: most }));
    },
  };
};

function clipped(source: Source, request: Request, inputTokens: number): Request {
  const { blocks } = request;
  const cut = withInput(source, request, inputTokens, '--clip-input');
  if (blocks === undefined) return cut;
  const blockTokens = blockTokensFor(source, request, '--clip-input');
  const kept = blocks.slice(0, blockCount(inputTokens, blockTokens));
  // A block that was cut holds other tokens than the whole one, which other rows may share: it gets an id of its own.
  const isCut = kept.length * blockTokens > inputTokens;
  return { ...cut, blocks: isCut ? [...kept.slice(0, -1), FIRST_NEW_ID + request.traceRow] : kept };
}

function tokensArg(op: string, args: Args): number {
  const most = numberArg(op, args, 'tokens');
  if (!Number.isSafeInteger(most) || most < 1)
    throw new UserError(`--${op}: got ${most}, expected a whole number from 1`);
  return most;
}
