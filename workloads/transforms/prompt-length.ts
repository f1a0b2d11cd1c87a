import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';

/**
 * A request with a prompt of another length, but for its blocks. Throws a UserError for one that has its prompt as text,
 * whose tokens nobody counts here, or as too few ids.
 */
export function withInput(source: Source, request: Request, inputTokens: number, option: string): Request {
  const { newTokens, prompt } = request;
  if (
    request.payload !== undefined ||
    (prompt !== undefined && (prompt.kind !== 'ids' || prompt.ids.length < inputTokens))
  )
    throw new UserError(
      `${source.path}:${request.traceRow}: ${option} changes the length of a prompt that the trace gives itself; --filter "input<=N" leaves long ones out`,
    );
  return {
    ...request,
    inputTokens,
    ...(newTokens === undefined ? {} : { newTokens: Math.min(newTokens, inputTokens) }),
    ...(prompt === undefined ? {} : { prompt: { kind: 'ids', ids: prompt.ids.slice(0, inputTokens) } }),
  };
}

/** The size of the blocks that have to be cut. */
export function blockTokensFor({ path, blockTokens }: Source, { traceRow }: Request, option: string): number {
  if (blockTokens !== undefined) return blockTokens;
  throw new UserError(
    `${path}:${traceRow}: ${option} has to cut prefix blocks, and the trace does not say how many tokens they have; give it with --block-tokens N`,
  );
}
