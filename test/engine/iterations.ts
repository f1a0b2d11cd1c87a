import assert from 'node:assert/strict';
import type { IterationEntry } from '../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../src/engine/kv/counting-block-pool.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import { runTrace, testEngine, type Row } from './small-engine.ts';

/** When it arrives, prompt tokens, output tokens. */
export type Asked = readonly [atUs: number, inputTokens: number, outputTokens: number];

export function rowsOf(requests: Readonly<Record<string, Asked>>): Row[] {
  return Object.entries(requests).map(([id, [atUs, inputTokens, outputTokens]]) => ({
    id,
    atUs,
    inputTokens,
    outputTokens,
  }));
}

/** An iteration in short: when; `A+8@2`: A computes 8 tokens behind 2; who decodes; who was preempted; blocks; queue. */
export type Line = readonly [
  atUs: number,
  prefill: string,
  decode: string,
  preempted: string,
  freeBlocks: number,
  waiting: number,
];

/** Runs `requests`, by name, through one instance with plain costs; what it did, and when each token came. */
export async function iterationsOf(
  { capacityBlocks, blockTokens, policy }: { capacityBlocks: number; blockTokens: number; policy: IterationPolicy },
  requests: Readonly<Record<string, Asked>>,
): Promise<{ lines: Line[]; tokenTimesUs: Record<string, readonly number[]> }> {
  const memory = () => new CountingBlockPool(capacityBlocks, blockTokens);
  const { entries, heard, engine } = await runTrace(
    (context) => testEngine(context, { policy: () => policy, memory }),
    rowsOf(requests),
  );
  assert.equal(engine.load().usedBlocks, 0);
  const tokenTimesUs = Object.fromEntries(Object.entries(heard).map(([id, one]) => [id, one.tokenTimesUs]));
  return { lines: entries.map(lineOf), tokenTimesUs };
}

function lineOf(entry: IterationEntry): Line {
  const { begin_us, stage_us, prefill, decode, preempted, free_blocks, waiting } = entry;
  const tokens = prefill.reduce((sum, chunk) => sum + chunk.tokens, decode.length);
  assert.equal(stage_us, 100 + 10 * tokens);
  return [begin_us, chunksOf(entry), decode.join(' '), preempted.join(' '), free_blocks, waiting];
}

/** `A+8@2 B+4@0`: A computes 8 tokens behind 2, B its first four. */
export function chunksOf({ prefill }: IterationEntry): string {
  return prefill.map(({ id, tokens, past }) => `${id}+${tokens}@${past}`).join(' ');
}
