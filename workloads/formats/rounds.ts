import type { Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { rowId } from '../row-id.ts';
import { BlockScopes } from './block-scopes.ts';
import type { RowContext } from './format.ts';
import { given } from './given.ts';

/** The smallest and the largest blocks that are made, and how many of them a usual prompt may have. */
const [FINEST_BLOCK, COARSEST_BLOCK] = [16, 512];
const BLOCKS_A_PROMPT = 512;

/** A power of two for the prompts of the first rounds: of 130,000 tokens, 256. */
export function fittingBlock(totals: readonly number[]): number {
  const median = totals.toSorted((a, b) => a - b)[totals.length >> 1] ?? 0;
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, median / BLOCKS_A_PROMPT)));
  return Math.min(COARSEST_BLOCK, Math.max(FINEST_BLOCK, size));
}

/** A round of a coding agent, as far as it is held. */
export interface Round {
  readonly line: number;
  readonly sentUs: number;
  readonly endUs: number | null;
  readonly index: number;
  readonly session: string;
  readonly model: string | undefined;
  readonly user: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number | null;
}

/**
 * The requests of rounds in order of time: blocks are made so that each shares with the one before it in its session what
 * the provider had cached.
 */
export function* roundRequests(rounds: readonly Round[], { blockTokens, leftOut }: RowContext): Generator<Request> {
  const size = blockTokens ?? FINEST_BLOCK;
  const scopes = new BlockScopes();
  const lasts = new LargeMap<string, { readonly turn: number; readonly blocks: readonly number[] }>();
  const startUs = rounds[0]?.sentUs ?? 0;
  for (const [at, round] of rounds.entries()) {
    const { line, sentUs, endUs, session, inputTokens, outputTokens, cachedTokens, model, user } = round;
    const last = lasts.get(session) ?? { turn: 0, blocks: [] };
    const shared = Math.floor(Math.min(cachedTokens ?? 0, inputTokens) / size);
    const blocks = scopes.grown(last.blocks, shared, Math.floor(inputTokens / size));
    const hasAnswer = outputTokens > 0;
    lasts.set(session, { turn: last.turn + (hasAnswer ? 1 : 0), blocks });
    if (!hasAnswer) {
      leftOut?.({ line, reason: '0 output tokens' });
      continue;
    }
    const source = given({ e2eUs: endUs === null ? null : endUs - sentUs, cachedTokens });
    yield {
      id: rowId(at),
      traceRow: line,
      dueUs: sentUs - startUs,
      inputTokens,
      outputTokens,
      session,
      turn: last.turn,
      ...given({ model, user }),
      ...(blocks.length === 0 ? {} : { blocks }),
      ...(Object.keys(source).length === 0 ? {} : { source }),
    };
  }
}
