import type { Request } from '../../src/core/request.ts';
import type { BlockScopes } from './block-scopes.ts';
import { MAX_ROW_TOKENS } from './faults.ts';
import type { RowContext } from './format.ts';

/** What engines use, so that turns share to the block. */
export const USUAL_BLOCK = 16;

/** A session whose turns call tools: each prompt is the one before with its answer and what the tools gave. */
export interface ToolSession {
  readonly session: string;
  readonly line: number;
  readonly promptTokens: number;
  /** Tokens of each answer, from 1. */
  readonly answers: readonly number[];
  /** Tokens that came of the tools behind each answer, from 0. */
  readonly results: readonly number[];
  /** How long the tools took behind each answer; absent: no time. */
  readonly toolS?: readonly number[];
}

/** What is wrong with the length of its last prompt; null for none. */
export function toolSessionFault({ promptTokens, answers, results }: ToolSession): string | null {
  const most = [promptTokens, ...answers, ...results].reduce((sum, each) => sum + each, 0);
  return most <= MAX_ROW_TOKENS ? null : `the last prompt has ${most} tokens, expected ${MAX_ROW_TOKENS} at most`;
}

/** Its requests, times from its start as if answers took no time. */
export function* toolTurns(of: ToolSession, scopes: BlockScopes, rows: RowContext): Generator<Request> {
  const { session, line, promptTokens, answers, results, toolS = [] } = of;
  const size = rows.blockTokens ?? USUAL_BLOCK;
  let inputTokens = promptTokens;
  let blocks = scopes.fresh(Math.floor(inputTokens / size));
  let dueUs = 0;
  for (const [turn, outputTokens] of answers.entries()) {
    const before = turn === 0 ? null : { id: `${session}:${turn - 1}`, fresh: results[turn - 1] ?? 0 };
    const thinkUs = Math.round((toolS[turn - 1] ?? 0) * 1e6);
    if (before !== null) {
      const shared = Math.floor(inputTokens / size);
      inputTokens += (answers[turn - 1] ?? 0) + before.fresh;
      blocks = scopes.grown(blocks, shared, Math.floor(inputTokens / size));
      dueUs += thinkUs;
    }
    yield {
      id: `${session}:${turn}`,
      traceRow: line,
      dueUs,
      inputTokens,
      outputTokens,
      session,
      turn,
      after: before === null ? [] : [{ id: before.id, thinkUs }],
      ...(before === null || before.fresh === 0 ? {} : { newTokens: before.fresh }),
      ...(blocks.length === 0 ? {} : { blocks }),
    };
  }
}
