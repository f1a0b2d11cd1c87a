import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { Load } from '../../../src/engine/engine.ts';
import { distserveDecode, distservePrefill } from '../../../src/engine/policies/distserve.ts';
import { pullBelow } from '../../../src/engine/cluster/kv-admission.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { KvAllocation } from '../../../src/engine/kv/kv-cache.ts';
import type { Prompt } from '../../../src/engine/instance/prompt-content.ts';
import { arrive, type RecordingListener, whenFree } from '../small-engine.ts';
import { smallDisaggregated, type SmallDisaggregated } from './small-disaggregated.ts';

const side = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  stages: fc.integer({ min: 1, max: 2 }),
  capacityTokens: fc.integer({ min: 20, max: 200 }),
  batchSize: fc.integer({ min: 1, max: 6 }),
});
const shape = fc.record({
  prefill: side,
  decode: side,
  blockTokens: fc.integer({ min: 1, max: 8 }),
  batchTokens: fc.integer({ min: 1, max: 60 }),
  waitingShare: fc.constantFrom(0.05, 0.3, 1),
  /** Share of the transfers. */
  lost: fc.constantFrom(0, 0.3),
});
const arrival = fc.record({
  atUs: fc.nat(15_000),
  inputTokens: fc.integer({ min: 1, max: 60 }),
  outputTokens: fc.integer({ min: 1, max: 20 }),
  /** Null: never. */
  cancelAfterUs: fc.option(fc.nat(8000), { freq: 2 }),
});
const trace = fc.array(arrival, { minLength: 1, maxLength: 20 });
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;
type AnySide = Shape['prefill'];
type Arrival = typeof arrival extends fc.Arbitrary<infer A> ? A : never;

const SYSTEMS: Readonly<Record<string, (of: Shape, ledger: Ledger) => SmallDisaggregated>> = {
  distserve: ({ prefill, decode, blockTokens, batchTokens, waitingShare }, ledger) => ({
    blockTokens,
    prefill: {
      ...sized(prefill, blockTokens, 'prefill', ledger),
      policy: () => distservePrefill({ ...prefill, batchTokens }),
    },
    decode: { ...sized(decode, blockTokens, 'decode', ledger), policy: () => distserveDecode(decode) },
    admission: pullBelow(waitingShare),
  }),
  'vllm-pd': ({ prefill, decode, blockTokens, batchTokens, lost }, ledger) => {
    const options = ({ batchSize, stages }: AnySide) => ({
      tokenBudget: batchTokens,
      maxSeqs: batchSize,
      reservePrompts: stages > 1,
    });
    const random = randomStream(1, 'lost');
    return {
      blockTokens,
      prefill: { ...sized(prefill, blockTokens, 'prefill', ledger), policy: () => vllmV1(options(prefill)) },
      decode: {
        ...sized(decode, blockTokens, 'decode', ledger),
        policy: () => vllmV1({ ...options(decode), holdersFirst: true }),
      },
      admission: whenFree,
      repeatsFirstToken: true,
      isLost: () => uniform(random) < lost,
    };
  },
};

function sized({ count, stages, capacityTokens }: AnySide, blockTokens: number, name: SideName, ledger: Ledger) {
  return {
    count,
    stages,
    capacityBlocks: blocksOf(capacityTokens, blockTokens),
    memory: (capacity: number, size: number) =>
      new WatchedPool(capacity, size, (prompt, holds) => ledger.note(name, prompt, holds)),
  };
}

function blocksOf(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}

type SideName = 'prefill' | 'decode';

/** Who holds memory on which side, and for how long each was held on both. */
class Ledger {
  readonly twiceUs: number[] = [];
  readonly #clock: Clock;
  readonly #holders: Readonly<Record<SideName, Set<Prompt>>> = { prefill: new Set(), decode: new Set() };
  readonly #sinceUs = new Map<Prompt, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(where: SideName, prompt: Prompt, holds: boolean): void {
    if (holds) this.#holders[where].add(prompt);
    else this.#holders[where].delete(prompt);
    const twice = this.#holders.prefill.has(prompt) && this.#holders.decode.has(prompt);
    const sinceUs = this.#sinceUs.get(prompt);
    if (twice && sinceUs === undefined) this.#sinceUs.set(prompt, this.#clock.now());
    if (twice || sinceUs === undefined) return;
    this.#sinceUs.delete(prompt);
    this.twiceUs.push(this.#clock.now() - sinceUs);
  }
}

type Note = (prompt: Prompt, holds: boolean) => void;

/** Blocks that are counted, with a note whenever someone's have changed. */
class WatchedPool extends CountingBlockPool {
  readonly #note: Note;

  constructor(capacityBlocks: number, blockTokens: number, note: Note) {
    super(capacityBlocks, blockTokens);
    this.#note = note;
  }

  override open(prompt?: Prompt): KvAllocation {
    const allocation = super.open();
    return prompt === undefined ? allocation : watched(allocation, (holds) => this.#note(prompt, holds));
  }
}

function watched(allocation: KvAllocation, note: (holds: boolean) => void): KvAllocation {
  return {
    get blocks() {
      return allocation.blocks;
    },
    cachedTokens: () => allocation.cachedTokens(),
    blocksNeeded: (tokens) => allocation.blocksNeeded(tokens),
    computed: (tokens) => allocation.computed(tokens),
    allocate(tokens) {
      const grown = allocation.allocate(tokens);
      note(allocation.blocks > 0);
      return grown;
    },
    release() {
      allocation.release();
      note(allocation.blocks > 0);
    },
    evict() {
      allocation.evict();
      note(allocation.blocks > 0);
    },
  };
}

interface Outcome {
  readonly heard: readonly RecordingListener[];
  readonly left: Load;
  readonly cancelledWhileMoving: number;
  readonly twiceUs: readonly number[];
}

/** Far more iterations than any of these traces takes. */
const MOST_STEPS = 20_000;

async function simulate(
  system: (of: Shape, ledger: Ledger) => SmallDisaggregated,
  of: Shape,
  requests: readonly Arrival[],
  cancelling: boolean,
): Promise<Outcome> {
  const clock = new VirtualClock();
  const ledger = new Ledger(clock);
  const parts = system(of, ledger);
  let steps = 0;
  let cancelledWhileMoving = 0;
  const engine = smallDisaggregated(clock, parts, ({ free_blocks }) => {
    assert.ok(free_blocks >= 0);
    assert.ok(steps++ < MOST_STEPS, 'it goes on and on');
  });
  const heard = requests.map(({ atUs, inputTokens, outputTokens, cancelAfterUs }) => {
    const one = arrive(clock, engine, atUs, inputTokens, outputTokens);
    if (cancelling && cancelAfterUs !== null)
      clock.at(atUs + cancelAfterUs, () => {
        const before = engine.load();
        one.cancel();
        const after = engine.load();
        assert.ok(after.usedBlocks <= before.usedBlocks);
        if (before.usedBlocks - after.usedBlocks > 2 * Math.ceil((inputTokens + outputTokens) / parts.blockTokens))
          assert.fail('more was freed than it held on both sides');
        if (one.tokenTimesUs.length === 1 && after.waiting < before.waiting) cancelledWhileMoving++;
        const told = one.tokenTimesUs.length;
        clock.at(1e9, () => assert.equal(one.tokenTimesUs.length, told, 'heard of after it was cancelled'));
      });
    return one;
  });
  await clock.run(() => false);
  return { heard, left: engine.load(), cancelledWhileMoving, twiceUs: ledger.twiceUs };
}

function fits({ blockTokens, prefill, decode }: Shape, { inputTokens, outputTokens }: Arrival): boolean {
  return (
    blocksOf(inputTokens, blockTokens) <= blocksOf(prefill.capacityTokens, blockTokens) &&
    blocksOf(inputTokens + outputTokens, blockTokens) <= blocksOf(decode.capacityTokens, blockTokens)
  );
}

function checkServed(
  one: RecordingListener,
  { atUs, inputTokens, outputTokens }: Arrival,
  { prefill, decode }: Shape,
): void {
  assert.deepEqual([one.refusals.length, one.completions.length], [0, 1]);
  assert.equal(one.tokenTimesUs.length, outputTokens);
  const prefillUs = prefill.stages * (100 + 10 * inputTokens);
  const [first = Number.NaN, ...rest] = one.tokenTimesUs;
  assert.ok(first >= atUs + prefillUs, 'a token before its prefill has ended');
  const transferUs = 20 + 10 * inputTokens;
  for (const [k, time] of rest.entries())
    assert.ok(time >= (one.tokenTimesUs[k] ?? Number.NaN) + decode.stages * 110 - 1e-6);
  const phases = one.completions[0]?.phases;
  assert.ok(phases !== undefined);
  const all = Object.values(phases);
  for (const phase of all) assert.ok(phase === null || phase >= 0);
  const sum = all.reduce((total: number, phase) => total + (phase ?? 0), 0);
  assert.ok(Math.abs(atUs + sum - one.endUs) < 1e-6, 'the phases are not all of its time');
  if (phases.transfer_us === null) assert.equal(outputTokens, 1);
  // Alone on its link, or with others that leave it less of it.
  else assert.ok(phases.transfer_us >= transferUs - 1e-6);
}

for (const [name, system] of Object.entries(SYSTEMS)) {
  describe(`any trace on any small engine of two roles: ${name}`, () => {
    test('every request ends once with exactly its tokens and all its phases, or is refused; nothing stays in memory', async () => {
      await fc.assert(
        fc.asyncProperty(shape, trace, async (of, requests) => {
          const { heard, left, twiceUs } = await simulate(system, of, requests, false);
          assert.deepEqual([left.usedBlocks, left.running, left.waiting], [0, 0, 0]);
          for (const [i, one] of heard.entries()) {
            const request = requests[i];
            assert.ok(request !== undefined);
            if (fits(of, request)) checkServed(one, request, of);
            else assert.deepEqual([one.refusals.length, one.completions.length, one.tokenTimesUs.length], [1, 0, 0]);
          }
          // Nobody holds memory on both sides but while it moves.
          const transfersUs = heard.flatMap(({ completions }) => completions[0]?.phases.transfer_us ?? []);
          const ascending = (a: number, b: number): number => a - b;
          assert.deepEqual(twiceUs.toSorted(ascending), transfersUs.toSorted(ascending));
        }),
        { numRuns: 300 },
      );
    });

    test('cancelled at any time, a request is never heard of again and holds nothing anywhere; the others end', async () => {
      let whileMoving = 0;
      await fc.assert(
        fc.asyncProperty(shape, trace, async (of, requests) => {
          const { heard, left, cancelledWhileMoving } = await simulate(system, of, requests, true);
          whileMoving += cancelledWhileMoving;
          assert.deepEqual([left.usedBlocks, left.running, left.waiting], [0, 0, 0]);
          for (const [i, one] of heard.entries()) {
            const request = requests[i];
            if (request === undefined || request.cancelAfterUs !== null || !fits(of, request)) continue;
            checkServed(one, request, of);
          }
        }),
        { numRuns: 300 },
      );
      if (name === 'distserve') assert.ok(whileMoving > 0, 'nobody was cancelled on the way');
    });

    test('the same input gives the same output', async () => {
      await fc.assert(
        fc.asyncProperty(shape, trace, async (of, requests) => {
          const [one, other] = [await simulate(system, of, requests, true), await simulate(system, of, requests, true)];
          const times = ({ heard }: Outcome): unknown[] => heard.map(({ tokenTimesUs }) => tokenTimesUs);
          assert.deepEqual(times(one), times(other));
        }),
        { numRuns: 50 },
      );
    });
  });
}
