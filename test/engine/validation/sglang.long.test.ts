import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Request } from '../../../src/core/request.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { openSource } from '../../../workloads/index.ts';
import { shared } from '../../shared.ts';

const PIECE_TOKENS = 512;
const LONGEST_PREFIX = 'schedule_policy=lpm';
/** Its cut-off lifted. */
const ALWAYS_LONGEST_PREFIX = 'schedule_policy=lpm,lpm_limit=1000000';

interface Prompt {
  readonly dueUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly blocks: readonly number[];
}

/** Cached prompt tokens over prompt tokens. */
async function hitRatio(prompts: readonly Prompt[], options: string): Promise<number> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(`sglang,model=llama-3.1-8b,gpu=a100-sxm-80g,${options}`), { clock });
  let cached = 0;
  let total = 0;
  const listener = {
    tokens: () => undefined,
    end: (
      _timeUs: number,
      { cachedTokens, inputTokens }: { readonly cachedTokens: number; readonly inputTokens: number },
    ) => {
      cached += cachedTokens;
      total += inputTokens;
    },
    reject: (status: number, message: string) => assert.fail(`${status} ${message}`),
  };
  for (const [i, { dueUs, inputTokens, outputTokens, blocks }] of prompts.entries()) {
    const content = { pieces: blocks, pieceTokens: PIECE_TOKENS };
    const request = { id: String(i), inputTokens, content, maxTokens: outputTokens, trueOutputTokens: outputTokens };
    clock.at(dueUs, () => engine.submit(request, listener));
  }
  await clock.run(() => false);
  assert.equal(
    total,
    prompts.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
  );
  assert.equal(engine.load().usedBlocks, 0);
  return cached / total;
}

/** With a cache that never forgets, in any order: all but the first of equal pieces are hits. */
function limitOf(prompts: readonly Prompt[]): number {
  const seen = new Set<string>();
  let hits = 0;
  let total = 0;
  for (const { inputTokens, blocks } of prompts) {
    total += inputTokens;
    for (const [i, block] of blocks.entries()) {
      const tokens = Math.min(PIECE_TOKENS, inputTokens - i * PIECE_TOKENS);
      const piece = `${block} ${tokens}`;
      if (seen.has(piece)) hits += tokens;
      seen.add(piece);
    }
  }
  return hits / total;
}

const MOONCAKE = shared('traces/mooncake_conversation_trace.jsonl');

async function mooncake(): Promise<Prompt[]> {
  const source = await openSource(MOONCAKE.path, { onBadRow: 'fail', onSkipped: () => undefined });
  const requests: Request[] = [];
  for await (const batch of source.open()) requests.push(...batch);
  return requests.slice(3000, 4000).map(({ dueUs, inputTokens, outputTokens, blocks = [] }) => ({
    dueUs: dueUs - (requests[3000]?.dueUs ?? 0),
    inputTokens,
    outputTokens,
    blocks,
  }));
}

describe('Mooncake requests 3,000 to 3,999, 452,000 KV tokens', { skip: MOONCAKE.skip }, () => {
  test('offline, longest prefix match comes near the limit, and far above first come, first served', async () => {
    const prompts = (await mooncake()).map((each) => ({ ...each, dueUs: 0 }));
    const limit = limitOf(prompts);
    assert.ok(Math.abs(limit - 0.1775) < 5e-5, `limit ${limit}`);
    const fcfs = await hitRatio(prompts, 'kv_tokens=452000');
    const lpm = await hitRatio(prompts, `kv_tokens=452000,${ALWAYS_LONGEST_PREFIX}`);
    assert.ok(lpm >= 0.85 * limit, `LPM ${lpm}`);
    assert.ok(lpm >= 3 * fcfs, `LPM ${lpm}, FCFS ${fcfs}`);
    assert.ok(lpm <= limit);
    // The cut-off at 128 leaves next to nothing of it.
    const cutOff = await hitRatio(prompts, `kv_tokens=452000,${LONGEST_PREFIX}`);
    assert.ok(cutOff < 0.5 * lpm, `with the cut-off ${cutOff}`);
  });

  test('online at a stable load it is not far below first come, first served', async () => {
    // Ten times slower: two of three seconds are work. At six times slower, one A100 falls behind.
    const prompts = (await mooncake()).map((each) => ({ ...each, dueUs: each.dueUs * 10 }));
    const fcfs = await hitRatio(prompts, 'kv_tokens=452000');
    const lpm = await hitRatio(prompts, `kv_tokens=452000,${LONGEST_PREFIX}`);
    assert.ok(lpm >= fcfs - 0.005, `LPM ${lpm}, FCFS ${fcfs}`);
    assert.ok(Math.max(lpm, fcfs) <= limitOf(prompts));
  });
});

test('64 groups of 16 that share 8 blocks, more than fit at once: longest prefix match finds nearly all', async () => {
  const prompts = Array.from({ length: 64 * 16 }, (_, i) => {
    const group = i % 64;
    const shares = Array.from({ length: 8 }, (_block, k) => group * 8 + k);
    const own = Array.from({ length: 3 }, (_block, k) => 1000 + i * 3 + k);
    return { dueUs: 0, inputTokens: 11 * PIECE_TOKENS - 100, outputTokens: 100, blocks: [...shares, ...own] };
  });
  const limit = limitOf(prompts);
  // Half of what the groups share.
  const lpm = await hitRatio(prompts, `kv_tokens=131072,${ALWAYS_LONGEST_PREFIX}`);
  const fcfs = await hitRatio(prompts, 'kv_tokens=131072');
  assert.ok(lpm >= 0.95 * limit && lpm <= limit, `LPM ${lpm}, limit ${limit}`);
  assert.ok(fcfs < 0.1 * limit, `FCFS ${fcfs}`);
});
