import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { RadixCache } from '../../../src/engine/kv/radix-cache.ts';
import { sglang } from '../../../src/engine/policies/sglang.ts';
import { tokensOf } from '../../../src/engine/instance/sequence.ts';
import type { IterationWatch } from '../../../src/engine/instance/iteration-log.ts';
import { SGLANG_VERSIONS } from '../../../src/engine/systems/sglang-versions.ts';
import { RecordingListener, testEngine } from '../small-engine.ts';

const PIECE_TOKENS = 8;

const size = fc.record({
  version: fc.constantFrom<keyof typeof SGLANG_VERSIONS>('0.4', '0.5'),
  ignoresEos: fc.boolean(),
  isAhead: fc.boolean(),
  capacityTokens: fc.oneof(fc.integer({ min: 5, max: 200 }), fc.integer({ min: 100, max: 200 })),
  stages: fc.integer({ min: 1, max: 3 }),
  schedulePolicy: fc.constantFrom('fcfs' as const, 'lpm' as const),
  lpmLimit: fc.integer({ min: 0, max: 10 }),
  conservativeness: fc.constantFrom(0.01, 0.1, 1),
  maxPrefillTokens: fc.integer({ min: 1, max: 80 }),
  chunkTokens: fc.integer({ min: 1, max: 50 }),
  maxRunning: fc.integer({ min: 1, max: 6 }),
});
const arrival = fc.record({
  atUs: fc.nat(10_000),
  promptTokens: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 })),
  pieces: fc.option(fc.array(fc.nat(1), { minLength: 1, maxLength: 8 }), { freq: 4 }),
  maxTokens: fc.integer({ min: 1, max: 80 }),
  /** Of those. */
  share: fc.constantFrom(0.1, 1, 1),
  cancelAfterUs: fc.option(fc.nat(15_000), { freq: 1 }),
});

describe('any trace on any small engine', () => {
  test('prompts are alone, one is cut at most, all end with their tokens, and no memory is left in use', async () => {
    let retracted = 0;
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(size, fc.array(arrival, { minLength: 1, maxLength: 40 }), async (options, arrivals) => {
        const clock = new VirtualClock();
        const memory = new RadixCache(options.capacityTokens);
        const onIteration: IterationWatch = (_name, slot) => {
          const { batch: all, size: computing, tokens, past, decodes, work, running, preempted } = slot;
          const batch = all.slice(0, computing);
          assert.ok(work.decodes === 0 || work.chunkTokens.length === 0);
          assert.ok(running.length <= options.maxRunning);
          if (work.decodes === 0) assert.ok(work.newTokens <= options.chunkTokens);
          const cut = batch.filter(
            (each, i) => decodes[i] === false && (past[i] ?? 0) + (tokens[i] ?? 0) < tokensOf(each),
          );
          assert.ok(cut.length <= 1);
          assert.ok(memory.freeBlocks >= 0 && memory.freeBlocks <= memory.capacityBlocks);
          retracted += preempted.length;
        };
        const { rules, ahead } = SGLANG_VERSIONS[options.version];
        const stages = options.isAhead ? 1 : options.stages;
        const engine = testEngine(
          { clock, onIteration },
          {
            policy: () => sglang({ ...options, rules }),
            memory: () => memory,
            stages,
            ahead: options.isAhead ? ahead : undefined,
          },
        );
        const asked = arrivals.map(({ atUs, promptTokens, pieces, maxTokens, share, cancelAfterUs }, i) => {
          const heard = new RecordingListener();
          const trueOutputTokens = Math.max(1, Math.floor(maxTokens * share));
          const content = pieces === null ? null : { pieces, pieceTokens: PIECE_TOKENS };
          clock.at(atUs, () => {
            heard.cancel = engine.submit(
              { id: String(i), inputTokens: promptTokens, content, maxTokens, trueOutputTokens },
              heard,
            );
          });
          if (cancelAfterUs !== null) clock.at(atUs + cancelAfterUs, () => heard.cancel());
          const fits = promptTokens + maxTokens <= options.capacityTokens;
          return { heard, trueOutputTokens, fits, isCancelled: cancelAfterUs !== null };
        });
        await clock.run(() => false);
        for (const { heard, trueOutputTokens, fits, isCancelled } of asked) {
          assert.equal(heard.refusals.length, fits ? 0 : 1);
          if (!fits || isCancelled) continue;
          assert.deepEqual([heard.tokenTimesUs.length, heard.completions.length], [trueOutputTokens, 1]);
          hits += heard.completions[0]?.cachedTokens ?? 0;
        }
        const { running, waiting, usedBlocks } = engine.load();
        assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
        assert.equal(memory.unused + memory.tree.tokens, memory.capacityBlocks);
      }),
      { numRuns: 1000 },
    );
    assert.ok(retracted > 50 && hits > 500, `${retracted} retracted, ${hits} tokens from the cache`);
  });
});
