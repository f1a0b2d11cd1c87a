import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { BatchSlot } from '../../src/engine/instance/batch-slot.ts';
import { createEngine, describeSystem, engineCatalogue, parseEngineSpec } from '../../src/engine/index.ts';
import { anySpec, picks } from './any-options.ts';
import { RecordingListener } from './small-engine.ts';

/** Tokens of a piece of a prompt that others may begin with too. */
const PIECE_TOKENS = 8;
/** Far more iterations than any of these traces takes. */
const MOST_STEPS = 20_000;

const arrival = fc.record({
  atUs: fc.nat(100_000),
  inputTokens: fc.integer({ min: 1, max: 60 }),
  outputTokens: fc.integer({ min: 1, max: 30 }),
  /** The caller allows more than comes out. */
  allowedMore: fc.nat(10),
  /** Prompts of a group begin alike; null: nothing is known of it. */
  group: fc.option(fc.nat(2)),
  /** Null: never. */
  cancelAfterUs: fc.option(fc.nat(400_000), { freq: 2 }),
});
const trace = fc.array(arrival, { minLength: 1, maxLength: 30, size: 'max' });
type Arrival = typeof arrival extends fc.Arbitrary<infer A> ? A : never;

/** What iterations did to one request. */
interface Progress {
  /** Where its next chunk begins; null where that is for memory to say. */
  nextToken: number | null;
  instance: string;
  /** Tokens that it ever had computed, wherever. */
  computed: number;
  /** When all of its prompt was computed for the first time, at the earliest. */
  prefilledUs: number;
}

/** Follows iterations as they begin, and asserts what holds of each. */
class Watch {
  readonly progress = new Map<string, Progress>();
  steps = 0;
  /** By instance and first piece: tokens of that beginning that anyone computed there. */
  readonly #beginnings = new Map<string, number>();

  readonly onIteration = (instance: string, slot: BatchSlot, stageUs: number): void => {
    assert.ok(++this.steps < MOST_STEPS, 'it goes on and on');
    assert.ok(stageUs > 0);
    const { capacityBlocks, freeBlocks } = slot.memory;
    assert.ok(freeBlocks >= 0 && freeBlocks <= capacityBlocks, `${freeBlocks} of ${capacityBlocks} blocks are free`);
    for (const { id } of [...slot.preemptedEarlier, ...slot.preempted]) this.#of(id, instance).nextToken = null;
    assert.equal(new Set(slot.batch.slice(0, slot.size)).size, slot.size, 'twice in a batch');
    for (let i = 0; i < slot.size; i++) {
      const [sequence, tokens] = [slot.batch[i], slot.tokens[i] ?? Number.NaN];
      const past = slot.past[i] ?? Number.NaN;
      assert.ok(sequence !== undefined);
      const { id, state, promptTokens, generatedTokens, tokensInFlight } = sequence;
      assert.ok(tokens >= 1 && past + tokens <= promptTokens + generatedTokens + tokensInFlight);
      // Where the next batch is decided already, one of this one may have lost its memory; and one that ended after it
      // was decided runs for nothing.
      if (!slot.work.isAhead) assert.ok(state !== 'ended', 'computes and does not run');
      if (slot.running.includes(sequence))
        assert.ok(
          sequence.heldBlocks() >= slot.memory.blocksFor(past + tokens),
          `${id} computes what it has no memory for`,
        );
      const progress = this.#of(id, instance);
      assert.equal(past, progress.nextToken ?? past, `${id} goes on where it was`);
      const beginning = `${instance} ${sequence.content?.pieces[0]}`;
      const there = Math.max(progress.computed, this.#beginnings.get(beginning) ?? 0);
      assert.ok(past <= there, `${id} goes on behind ${past} tokens, and ${there} were computed`);
      progress.nextToken = past + tokens;
      progress.computed = Math.max(progress.computed, past + tokens);
      if ((sequence.content?.pieces.length ?? 0) > 0)
        this.#beginnings.set(beginning, Math.max(this.#beginnings.get(beginning) ?? 0, past + tokens));
      if (past + tokens >= promptTokens) progress.prefilledUs = Math.min(progress.prefilledUs, slot.nowUs + stageUs);
    }
  };

  #of(id: string, instance: string): Progress {
    const found = this.progress.get(id);
    const isNew = found === undefined || found.instance !== instance;
    const progress = found ?? { nextToken: null, instance, computed: 0, prefilledUs: Number.POSITIVE_INFINITY };
    if (isNew) Object.assign(progress, { instance, nextToken: null });
    this.progress.set(id, progress);
    return progress;
  }
}

interface Outcome {
  readonly heard: readonly RecordingListener[];
  readonly watch: Watch;
  /** Blocks and requests that are left when nothing happens any more. */
  readonly left: readonly [blocks: number, requests: number];
  /** Time integral of requests in the system, and the sum of their times in it. */
  readonly requestsTimesUs: number;
  readonly sojournUs: number;
}

async function simulate(spec: string, requests: readonly Arrival[]): Promise<Outcome> {
  const clock = new VirtualClock();
  const watch = new Watch();
  const engine = createEngine(parseEngineSpec(spec), { clock, onIteration: watch.onIteration });
  let [present, sinceUs, requestsTimesUs, sojournUs] = [0, 0, 0, 0];
  const count = (): void => {
    requestsTimesUs += present * (clock.now() - sinceUs);
    sinceUs = clock.now();
    const { running, waiting } = engine.load();
    present = running + waiting;
  };
  const heard = requests.map(({ atUs, inputTokens, outputTokens, allowedMore, group, cancelAfterUs }, i) => {
    const one = new RecordingListener();
    const end = one.end.bind(one);
    one.end = (timeUs, completion) => {
      end(timeUs, completion);
      sojournUs += timeUs - atUs;
      count();
    };
    const content =
      group === null
        ? null
        : {
            pieces: Array.from({ length: Math.floor(inputTokens / PIECE_TOKENS) }, (_, k) => group * 100 + k),
            pieceTokens: PIECE_TOKENS,
          };
    clock.at(atUs, () => {
      const maxTokens = outputTokens + allowedMore;
      one.cancel = engine.submit({ id: `r${i}`, inputTokens, content, maxTokens, trueOutputTokens: outputTokens }, one);
      count();
    });
    if (cancelAfterUs !== null)
      clock.at(atUs + cancelAfterUs, () => {
        if (one.refusals.length > 0 || one.completions.length > 0) return;
        sojournUs += cancelAfterUs;
        one.cancel();
        count();
        const before = one.tokenTimesUs.length;
        clock.at(1e12, () => assert.equal(one.tokenTimesUs.length, before, 'heard of after it was cancelled'));
      });
    return one;
  });
  await clock.run(() => false);
  const { running, waiting, usedBlocks } = engine.load();
  return { heard, watch, left: [usedBlocks, running + waiting], requestsTimesUs, sojournUs };
}

function checkServed(
  one: RecordingListener,
  { atUs, inputTokens, outputTokens }: Arrival,
  progress: Progress | undefined,
): void {
  assert.equal(one.tokenTimesUs.length, outputTokens);
  const [completion] = one.completions;
  assert.deepEqual([completion?.inputTokens, completion?.outputTokens], [inputTokens, outputTokens]);
  const first = one.tokenTimesUs[0] ?? Number.NaN;
  assert.ok(first >= (progress?.prefilledUs ?? Number.NaN) - 1e-6, 'a token before its prefill ended');
  for (const [k, timeUs] of one.tokenTimesUs.entries())
    assert.ok(k === 0 || timeUs > (one.tokenTimesUs[k - 1] ?? Number.NaN), 'two tokens at a time');
  assert.equal(one.endUs, one.tokenTimesUs.at(-1));
  const phasesUs = Object.values(completion?.phases ?? {}).map((us) => us ?? 0);
  assert.ok(phasesUs.every((us) => us >= 0));
  assert.ok(Math.abs(atUs + phasesUs.reduce((sum, us) => sum + us, 0) - one.endUs) < 1e-3, 'its phases are its time');
}

for (const { name } of engineCatalogue().systems)
  describe(`any trace on any ${name}`, () => {
    test('each request ends once, when it can and with its tokens; memory and time add up; twice is the same', async () => {
      let served = 0;
      await fc.assert(
        fc.asyncProperty(picks, trace, async (drawn, requests) => {
          const spec = anySpec(name, drawn);
          const { heard, watch, left, requestsTimesUs, sojournUs } = await simulate(spec, requests);
          assert.deepEqual(left, [0, 0]);
          for (const [i, one] of heard.entries()) {
            const request = requests[i];
            assert.ok(request !== undefined);
            const ends = one.completions.length + one.refusals.length;
            assert.ok(ends === 1 || (ends === 0 && request.cancelAfterUs !== null), `ended ${ends} times`);
            if (one.refusals.length > 0) assert.equal(one.tokenTimesUs.length, 0);
            if (one.completions.length === 0) continue;
            checkServed(one, request, watch.progress.get(`r${i}`));
            served++;
          }
          // Little 1961: requests in the system, summed over time, are the sum of their times in it.
          assert.ok(Math.abs(requestsTimesUs - sojournUs) < 1e-6 * Math.max(1, sojournUs));
          const again = await simulate(spec, requests);
          assert.equal(again.watch.steps, watch.steps);
          assert.deepEqual(
            again.heard.map((one) => [one.tokenTimesUs, one.completions, one.refusals]),
            heard.map((one) => [one.tokenTimesUs, one.completions, one.refusals]),
          );
        }),
        { numRuns: 100 },
      );
      assert.ok(served > 100);
    });

    test('every option that it has is among those drawn', () => {
      const specs = fc.sample(picks, { seed: 1, numRuns: 100 }).map((drawn) => anySpec(name, drawn));
      const given = new Set(specs.flatMap((spec) => spec.split(',').slice(1)).map((pair) => pair.split('=')[0]));
      assert.deepEqual(
        describeSystem(name)
          .options.map(({ key }) => key)
          .filter((key) => !given.has(key)),
        [],
      );
    });
  });
