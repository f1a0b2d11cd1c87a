import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { BatchSlot } from '../../src/engine/instance/batch-slot.ts';
import { CountingBlockPool } from '../../src/engine/kv/counting-block-pool.ts';
import { chunkSchedule } from '../../src/engine/policies/chunk-schedule.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import type { RouterName } from '../../src/engine/cluster/routers.ts';
import type { AheadRules } from '../../src/engine/instance/instance.ts';
import type { IterationWatch } from '../../src/engine/instance/iteration-log.ts';
import { sarathi } from '../../src/engine/policies/sarathi.ts';
import { vllmV0 } from '../../src/engine/policies/vllm-v0.ts';
import { vllmV1 } from '../../src/engine/policies/vllm-v1.ts';
import { missingTokens } from '../../src/engine/instance/sequence.ts';
import { arrive, testEngine, type RecordingListener } from './small-engine.ts';

const LONGEST_INPUT = 60;
const LONGEST_OUTPUT = 20;

/** Far more iterations than any of these traces takes. */
const MOST_STEPS = 20_000;

const engine = fc.record({
  instances: fc.integer({ min: 1, max: 3 }),
  stages: fc.integer({ min: 1, max: 3 }),
  router: fc.constantFrom<RouterName>('round-robin', 'least-tokens'),
  capacityBlocks: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 100, max: 130 })),
  blockTokens: fc.integer({ min: 1, max: 8 }),
  tokenBudget: fc.integer({ min: 1, max: 40 }),
  maxSeqs: fc.integer({ min: 1, max: 6 }),
});
const arrival = fc.record({
  atUs: fc.nat(20_000),
  inputTokens: fc.integer({ min: 1, max: LONGEST_INPUT }),
  outputTokens: fc.integer({ min: 1, max: LONGEST_OUTPUT }),
  /** Null: never. */
  cancelAfterUs: fc.option(fc.nat(15_000), { freq: 2 }),
});
const trace = fc.array(arrival, { minLength: 1, maxLength: 25 });
type AnyEngine = typeof engine extends fc.Arbitrary<infer E> ? E : never;
type Arrival = typeof arrival extends fc.Arbitrary<infer A> ? A : never;

interface PolicyUnderTest {
  create(of: AnyEngine): IterationPolicy;
  readonly ahead?: AheadRules;
  /** What holds of each of its iterations. */
  check(slot: BatchSlot, of: AnyEngine): void;
}

/** Every policy that keeps requests where they are until they end: a row each. */
const POLICIES: Readonly<Record<string, PolicyUnderTest>> = {
  'vllm-v1': {
    create: (of) => vllmV1({ ...of, reservePrompts: of.stages > 1 }),
    check(slot, { tokenBudget }) {
      assert.ok(slot.work.newTokens <= tokenBudget);
      const begun = slot.past.slice(0, slot.size).filter((past) => past === 0);
      assert.ok(slot.preempted.length === 0 || begun.length === 0, 'admitted while others were preempted');
    },
  },
  'vllm-v1, decided ahead': {
    create: (of) => vllmV1({ ...of, reservePrompts: of.stages > 1, wholeMustFit: true }),
    ahead: { deliversAfterPreemption: true, keepsOverrun: false },
    check: (slot, { tokenBudget }) => assert.ok(slot.work.newTokens <= tokenBudget),
  },
  'vllm-v0': {
    create: ({ tokenBudget, maxSeqs }) =>
      vllmV0({ tokenBudget: tokenBudget + LONGEST_INPUT + LONGEST_OUTPUT, maxSeqs }),
    check(slot, { tokenBudget }) {
      const { decodes, chunkTokens, newTokens } = slot.work;
      const batch = slot.batch.slice(0, slot.size);
      // One phase an iteration, and no prompt is cut.
      if (decodes === 0) assert.ok(newTokens <= tokenBudget + LONGEST_INPUT + LONGEST_OUTPUT);
      else assert.deepEqual(chunkTokens, []);
      for (const [i, sequence] of batch.entries()) assert.equal(slot.tokens[i], missingTokens(sequence));
    },
  },
  sarathi: {
    create: ({ tokenBudget, maxSeqs }) => sarathi({ tokenBudget: () => tokenBudget, maxSeqs }),
    check(slot, { tokenBudget }) {
      checkStallFree(slot);
      assert.ok(slot.work.newTokens <= Math.max(tokenBudget, slot.work.decodes));
    },
  },
  'sarathi with a chunk schedule': {
    create: ({ maxSeqs }) =>
      sarathi({ tokenBudget: chunkSchedule({ high: 64, low: 32, stages: 3, promptTokens: 50 }), maxSeqs }),
    check(slot) {
      checkStallFree(slot);
      assert.ok(slot.work.newTokens <= 64);
    },
  },
};

/** Everyone that decodes does so, and whoever runs has memory for the whole prompt. */
function checkStallFree(slot: BatchSlot): void {
  const batch = slot.batch.slice(0, slot.size);
  for (const sequence of slot.running) {
    if (sequence.isDecoding) assert.ok(batch.includes(sequence));
    assert.ok(sequence.heldBlocks() >= slot.memory.blocksFor(sequence.promptTokens + sequence.generatedTokens));
  }
}

interface Outcome {
  readonly heard: readonly RecordingListener[];
  readonly steps: readonly unknown[];
  readonly used: number;
  readonly left: number;
  /** Time integral of requests in the system, and the sum of their times in it. */
  readonly requestsTimesUs: number;
  readonly sojournUs: number;
}

/** Runs a trace to its end; with `cancelling`, what its requests say of being given up. */
async function simulate(
  policy: PolicyUnderTest,
  of: AnyEngine,
  requests: readonly Arrival[],
  cancelling: boolean,
): Promise<Outcome> {
  const clock = new VirtualClock();
  const steps: unknown[] = [];
  const slotsOf = new Map<string, Set<BatchSlot>>();
  const onIteration: IterationWatch = (name, slot) => {
    const slots = slotsOf.get(name) ?? new Set();
    slotsOf.set(name, slots.add(slot));
    const { capacityBlocks, freeBlocks } = slot.memory;
    assert.ok(freeBlocks >= 0);
    // Slots that are decided ahead of each other share their running requests.
    const running = new Set([...slots].map((one) => one.running));
    const held = [...running].flat().reduce((sum, each) => sum + each.heldBlocks(), 0);
    assert.equal(capacityBlocks - freeBlocks, held);
    assert.ok(slot.running.length <= of.maxSeqs);
    policy.check(slot, of);
    assert.ok(steps.length < MOST_STEPS, 'it goes on and on');
    steps.push([name, slot.nowUs, slot.tokens.slice(0, slot.size)]);
  };
  const memory = () => new CountingBlockPool(of.capacityBlocks, of.blockTokens);
  const { stages, router } = of;
  const roles = Array.from({ length: of.instances }, () => 'both' as const);
  const all = testEngine(
    { clock, onIteration },
    { policy: () => policy.create(of), ahead: policy.ahead, memory, stages, roles, router },
  );

  let present = 0;
  let sinceUs = 0;
  let requestsTimesUs = 0;
  let sojournUs = 0;
  const count = (): void => {
    requestsTimesUs += present * (clock.now() - sinceUs);
    sinceUs = clock.now();
    const { running, waiting } = all.load();
    present = running + waiting;
  };
  const heard = requests.map(({ atUs, inputTokens, outputTokens, cancelAfterUs }) => {
    const one = arrive(clock, all, atUs, inputTokens, outputTokens);
    clock.at(atUs, count);
    const end = one.end.bind(one);
    one.end = (timeUs, completion) => {
      end(timeUs, completion);
      sojournUs += timeUs - atUs;
      count();
    };
    if (cancelling && cancelAfterUs !== null)
      clock.at(atUs + cancelAfterUs, () => {
        if (one.refusals.length === 0 && one.completions.length === 0) sojournUs += cancelAfterUs;
        one.cancel();
        count();
        const before = one.tokenTimesUs.length;
        clock.at(1e9, () => assert.equal(one.tokenTimesUs.length, before, 'heard of after it was cancelled'));
      });
    return one;
  });
  await clock.run(() => false);
  const { running, waiting, usedBlocks } = all.load();
  return { heard, steps, used: usedBlocks, left: running + waiting, requestsTimesUs, sojournUs };
}

function fits({ capacityBlocks, blockTokens }: AnyEngine, { inputTokens, outputTokens }: Arrival): boolean {
  return Math.ceil((inputTokens + outputTokens) / blockTokens) <= capacityBlocks;
}

function checkServed(
  one: RecordingListener,
  { atUs, inputTokens, outputTokens }: Arrival,
  { stages }: AnyEngine,
): void {
  assert.deepEqual([one.refusals.length, one.completions.length], [0, 1]);
  assert.equal(one.tokenTimesUs.length, outputTokens);
  assert.equal(one.completions[0]?.outputTokens, outputTokens);
  const first = one.tokenTimesUs[0] ?? Number.NaN;
  // No token before its prefill ends: in each stage each of its tokens takes 10 us, each iteration 100.
  assert.ok(first >= atUs + stages * (100 + 10 * inputTokens));
  for (const [k, time] of one.tokenTimesUs.entries())
    assert.ok(k === 0 || time >= (one.tokenTimesUs[k - 1] ?? Number.NaN) + stages * 110);
  assert.equal(one.endUs, one.tokenTimesUs.at(-1));
  const phases = one.completions[0]?.phases;
  const sum = (phases?.prefill_queue_us ?? 0) + (phases?.prefill_us ?? 0) + (phases?.decode_us ?? 0);
  assert.ok(Math.abs(atUs + sum - one.endUs) < 1e-6);
}

for (const [name, policy] of Object.entries(POLICIES)) {
  describe(`any trace on any small engine: ${name}`, () => {
    test('every request ends once with exactly its tokens, or is refused; no memory is left in use', async () => {
      await fc.assert(
        fc.asyncProperty(engine, trace, async (of, requests) => {
          const { heard, used, left } = await simulate(policy, of, requests, false);
          assert.deepEqual([used, left], [0, 0]);
          for (const [i, one] of heard.entries()) {
            const request = requests[i];
            assert.ok(request !== undefined);
            if (fits(of, request)) checkServed(one, request, of);
            else assert.deepEqual([one.refusals.length, one.completions.length, one.tokenTimesUs.length], [1, 0, 0]);
          }
        }),
      );
    });

    test('cancelled at any time, a request is never heard of again and its memory is free; the others end', async () => {
      await fc.assert(
        fc.asyncProperty(engine, trace, async (of, requests) => {
          const { heard, used, left } = await simulate(policy, of, requests, true);
          assert.deepEqual([used, left], [0, 0]);
          for (const [i, one] of heard.entries()) {
            const request = requests[i];
            if (request === undefined || request.cancelAfterUs !== null || !fits(of, request)) continue;
            checkServed(one, request, of);
          }
        }),
      );
    });

    test('requests in the system, summed over time, are the sum of their times in it (Little 1961)', async () => {
      await fc.assert(
        fc.asyncProperty(engine, trace, fc.boolean(), async (of, requests, cancelling) => {
          const { requestsTimesUs, sojournUs } = await simulate(policy, of, requests, cancelling);
          assert.ok(Math.abs(requestsTimesUs - sojournUs) < 1e-6 * Math.max(1, sojournUs));
        }),
        { numRuns: 50 },
      );
    });

    test('the same input gives the same output', async () => {
      await fc.assert(
        fc.asyncProperty(engine, trace, async (of, requests) => {
          const shapes: unknown[] = [];
          for (let i = 0; i < 2; i++) {
            const { heard, steps } = await simulate(policy, of, requests, true);
            shapes.push([heard.map((one) => [one.tokenTimesUs, one.completions]), steps]);
          }
          assert.deepEqual(shapes[0], shapes[1]);
        }),
        { numRuns: 30 },
      );
    });
  });
}
