import assert from 'node:assert/strict';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { cluster } from '../../src/engine/cluster/cluster.ts';
import { pipeline } from '../../src/engine/hardware/pipeline.ts';
import { Instance } from '../../src/engine/instance/instance.ts';
import { logIterations, type IterationEntry } from '../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../src/engine/kv/counting-block-pool.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import { ROUTERS } from '../../src/engine/cluster/routers.ts';
import { RecordingListener, PLAIN_COST } from './small-engine.ts';

/** When it arrives, prompt tokens, output tokens. */
export type Asked = readonly [atUs: number, inputTokens: number, outputTokens: number];

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
  const clock = new VirtualClock();
  const entries: IterationEntry[] = [];
  const instance = new Instance({
    name: '0',
    clock,
    policy: () => policy,
    onIteration: logIterations((entry) => entries.push(entry)),
    cost: PLAIN_COST,
    memory: new CountingBlockPool(capacityBlocks, blockTokens),
    executor: pipeline(clock, 1),
  });
  const engine = cluster({ clock, entry: [instance], router: ROUTERS['round-robin'].create(), maxModelLen: 10_000 });
  const tokenTimesUs: Record<string, readonly number[]> = {};
  for (const [id, [atUs, inputTokens, outputTokens]] of Object.entries(requests)) {
    const heard = new RecordingListener();
    tokenTimesUs[id] = heard.tokenTimesUs;
    const request = { id, inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens };
    clock.at(atUs, () => engine.submit(request, heard));
  }
  await clock.run(() => false);
  assert.equal(engine.load().usedBlocks, 0);
  return { lines: entries.map(lineOf), tokenTimesUs };
}

function lineOf({ begin_us, stage_us, prefill, decode, preempted, free_blocks, waiting }: IterationEntry): Line {
  const tokens = prefill.reduce((sum, chunk) => sum + chunk.tokens, decode.length);
  assert.equal(stage_us, 100 + 10 * tokens);
  const chunks = prefill.map(({ id, tokens: count, past }) => `${id}+${count}@${past}`).join(' ');
  return [begin_us, chunks, decode.join(' '), preempted.join(' '), free_blocks, waiting];
}
