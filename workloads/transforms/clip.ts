import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { blockCount } from '../formats/blocks.ts';
import { numberArg, type Transform } from './transform.ts';

/** Ids from here on are made here: far above those of any trace, and one a row is enough. */
const FIRST_NEW_ID = 2 ** 52;

/** Prompts of at most `tokens` tokens; their prefix blocks are cut with them. */
export const clipInput: Transform = (source, args) => {
  const most = tokensArg('clip-input', args);
  return async function* () {
    for await (const batch of source.open())
      yield batch.map((request) => (request.inputTokens <= most ? request : clipped(source, request, most)));
  };
};

/** Answers of at most `tokens` tokens. */
export const clipOutput: Transform = (source, args) => {
  const most = tokensArg('clip-output', args);
  return async function* () {
    for await (const batch of source.open())
      yield batch.map((request) => (request.outputTokens <= most ? request : { ...request, outputTokens: most }));
  };
};

function clipped(source: Source, request: Request, inputTokens: number): Request {
  const { blocks } = request;
  if (blocks === undefined) return { ...request, inputTokens };
  if (source.blockTokens === undefined)
    throw new UserError(
      `${source.path}:${request.traceRow}: --clip-input has to cut prefix blocks, and the trace does not say how many tokens they have; give it with --block-tokens N`,
    );
  const kept = blocks.slice(0, blockCount(inputTokens, source.blockTokens));
  // A block that was cut holds other tokens than the whole one, which other rows may share: it gets an id of its own.
  const isCut = kept.length * source.blockTokens > inputTokens;
  return { ...request, inputTokens, blocks: isCut ? [...kept.slice(0, -1), FIRST_NEW_ID + request.traceRow] : kept };
}

function tokensArg(op: string, args: Parameters<Transform>[1]): number {
  const most = numberArg(op, args, 'tokens');
  if (!Number.isSafeInteger(most) || most < 1)
    throw new UserError(`--${op}: got ${most}, expected a whole number from 1`);
  return most;
}
