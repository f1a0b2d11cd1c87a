import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { HeldPrompt, PdEndpoints, EngineRequest } from '../../../src/engine/engine.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { RecordingListener, whenFree } from '../small-engine.ts';
import { lineOf, smallDisaggregated, type Line, type SmallDisaggregated } from '../systems/small-disaggregated.ts';

const LIMITS = { tokenBudget: 100, maxSeqs: 8, reservePrompts: false };

function small(more: Partial<SmallDisaggregated> = {}): SmallDisaggregated {
  return {
    blockTokens: 4,
    prefill: { count: 1, capacityBlocks: 8, policy: () => vllmV1(LIMITS) },
    decode: { count: 1, capacityBlocks: 10, policy: () => vllmV1({ ...LIMITS, holdersFirst: true }) },
    router: 'round-robin',
    admission: whenFree,
    repeatsFirstToken: true,
    holdUs: 1000,
    ...more,
  };
}

function engineRequest(id: string, inputTokens: number, outputTokens: number): EngineRequest {
  return { id, inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens };
}

/**
 * Blocks of 4 tokens, 8 where prompts are computed, 10 where the rest is decoded. An iteration takes 100 us and 10 us a
 * token, a transfer 20 us and 10 us a token. Held for 1,000 us. Worked by hand from the rules.
 */
test('the two endpoints asked one after the other, worked by hand', async () => {
  const clock = new VirtualClock();
  const lines: Line[] = [];
  const engine = smallDisaggregated(clock, small(), (entry) => lines.push(lineOf(entry)));
  const { prefill, decode } = endpointsOf(engine);
  const prompt: Record<string, RecordingListener> = {};
  const answer: Record<string, RecordingListener> = {};
  const held: Record<string, HeldPrompt> = {};
  const hold = (atUs: number, id: string, inputTokens: number, outputTokens: number): void =>
    clock.at(atUs, () => {
      held[id] = prefill.hold(engineRequest(id, inputTokens, outputTokens), (prompt[id] = new RecordingListener()));
    });
  const fetch = (atUs: number, id: string, inputTokens: number, outputTokens: number): void =>
    clock.at(atUs, () =>
      decode.fetch(
        held[id]?.key ?? 'nobody',
        engineRequest(id, inputTokens, outputTokens),
        (answer[id] = new RecordingListener()),
      ),
    );
  const used: number[] = [];
  const note = (atUs: number): void => clock.at(atUs, () => used.push(prefill.load().usedBlocks));

  hold(0, 'A', 6, 3);
  note(379);
  fetch(300, 'A', 6, 3);
  note(381);
  clock.at(1000, () => prefill.submit(engineRequest('B', 5, 2), (answer['B'] = new RecordingListener())));
  fetch(2000, 'C', 5, 2);
  hold(3000, 'E', 4, 1);
  note(4139);
  note(4141);
  fetch(4200, 'E', 4, 1);
  hold(5000, 'G', 30, 1);
  hold(5100, 'F', 4, 1);
  fetch(6000, 'G', 30, 1);
  clock.at(6600, () => held['F']?.release());
  note(6600);
  await clock.run(() => false);

  assert.deepEqual(lines, [
    ['prefill-0', 0, 160, 'A+6@0', '', '', 6, 0],
    // Asked for at 300, A moved until 380. The last of its prompt is computed again, for the token that came of it is gone.
    ['decode-0', 380, 110, '', 'A', '', 8, 0],
    ['decode-0', 490, 110, '', 'A', '', 8, 0],
    ['decode-0', 600, 110, '', 'A', '', 8, 0],
    // B was not held, so it is served where it came to.
    ['prefill-0', 1000, 150, 'B+5@0', '', '', 6, 0],
    ['prefill-0', 1150, 110, '', 'B', '', 6, 0],
    // Nobody holds C.
    ['decode-0', 2000, 150, 'C+5@0', '', '', 8, 0],
    ['decode-0', 2150, 110, '', 'C', '', 8, 0],
    // E was held until 4140, and is asked for at 4200.
    ['prefill-0', 3000, 140, 'E+4@0', '', '', 7, 0],
    ['decode-0', 4200, 140, 'E+4@0', '', '', 9, 0],
    // G holds all blocks, and F waits until they have moved: from 6000 to 6320.
    ['prefill-0', 5000, 400, 'G+30@0', '', '', 0, 0],
    ['prefill-0', 6320, 140, 'F+4@0', '', '', 7, 0],
    ['decode-0', 6320, 110, '', 'G', '', 2, 0],
  ]);
  assert.deepEqual(used, [2, 0, 1, 0, 0]);
  // Each prompt gave one token to whoever asked for it, and all of them came again from the other side.
  for (const [id, atUs] of Object.entries({ A: 160, E: 3140, G: 5400, F: 6460 }))
    assert.deepEqual([prompt[id]?.tokenTimesUs, prompt[id]?.endUs], [[atUs], atUs]);
  assert.deepEqual(answer['A']?.tokenTimesUs, [490, 600, 710]);
  // From its arrival where its prompt was computed; it waited for its proxy.
  assert.deepEqual(answer['A']?.completions[0]?.phases, {
    prefill_queue_us: 0,
    prefill_us: 160,
    transfer_us: 80,
    decode_queue_us: 140,
    decode_us: 330,
  });
  assert.deepEqual(answer['C']?.completions[0]?.phases, {
    prefill_queue_us: 0,
    prefill_us: 150,
    transfer_us: null,
    decode_queue_us: null,
    decode_us: 110,
  });
});

function endpointsOf({ pd }: { readonly pd?: PdEndpoints }): PdEndpoints {
  assert.ok(pd !== undefined);
  return pd;
}

test('what can never be served is refused on the side that lacks the memory', async () => {
  const clock = new VirtualClock();
  const { prefill, decode } = endpointsOf(smallDisaggregated(clock, small(), () => undefined));
  const refusalsOf = (ask: (heard: RecordingListener) => unknown): readonly string[] => {
    const heard = new RecordingListener();
    ask(heard);
    return heard.refusals;
  };
  const lack = (blocks: number, tokens: number, of: number): string[] => [
    `400 The request needs ${blocks} KV blocks for ${tokens} tokens, and there are ${of}.`,
  ];
  // All 8 blocks for a prompt are enough; with its answer they are not.
  assert.deepEqual(
    refusalsOf((heard) => prefill.hold(engineRequest('A', 32, 5), heard).release()),
    [],
  );
  assert.deepEqual(
    refusalsOf((heard) => prefill.hold(engineRequest('A', 33, 1), heard)),
    lack(9, 33, 8),
  );
  assert.deepEqual(
    refusalsOf((heard) => prefill.submit(engineRequest('A', 32, 1), heard)),
    lack(9, 33, 8),
  );
  assert.deepEqual(
    refusalsOf((heard) => decode.fetch('nobody', engineRequest('A', 32, 9), heard)),
    lack(11, 41, 10),
  );

  const asked = new RecordingListener();
  const held = prefill.hold(engineRequest('A', 6, 3), asked);
  await clock.run(() => asked.completions.length === 1);
  assert.deepEqual(
    refusalsOf((heard) => decode.fetch(held.key, engineRequest('A', 7, 3), heard)),
    ['400 The prompt has 7 tokens, and the one that was computed for it has 6.'],
  );
  // It is still held.
  assert.equal(held.blocks, 2);
});

const request = fc.record({
  atUs: fc.nat(10_000),
  inputTokens: fc.integer({ min: 1, max: 30 }),
  outputTokens: fc.integer({ min: 1, max: 10 }),
  way: fc.constantFrom('one port', 'at prefill', 'at decode', 'two steps', 'two steps', 'never fetched', 'twice'),
  /** Of its proxy, between the steps. */
  delayUs: fc.nat(1500),
  /** Null: never. */
  cancelAfterUs: fc.option(fc.nat(4000), { freq: 2 }),
});
type Request = typeof request extends fc.Arbitrary<infer R> ? R : never;

describe('any requests, in one step or two', () => {
  /** Sends one the way that it goes, and gives all that is heard of it from where it decodes. */
  function send(
    clock: VirtualClock,
    engine: ReturnType<typeof smallDisaggregated>,
    one: Request,
    id: string,
  ): RecordingListener[] {
    const { prefill, decode } = endpointsOf(engine);
    const asked = engineRequest(id, one.inputTokens, one.outputTokens);
    const answers = [new RecordingListener()];
    const [answer = new RecordingListener()] = answers;
    let cancel = (): void => undefined;
    const steps: Readonly<Record<Request['way'], () => void>> = {
      'one port': () => (cancel = engine.submit(asked, answer)),
      'at prefill': () => (cancel = prefill.submit(asked, answer)),
      'at decode': () => (cancel = decode.submit(asked, answer)),
      'two steps': () => hold((key) => (cancel = decode.fetch(key, asked, answer))),
      'never fetched': () => hold(() => (cancel = () => undefined)),
      twice: () =>
        hold((key) => {
          const second = new RecordingListener();
          answers.push(second);
          const both = [decode.fetch(key, asked, answer), decode.fetch(key, asked, second)];
          cancel = () => both.forEach((each) => each());
        }),
    };
    let given = false;
    const hold = (then: (key: string) => void): void => {
      const first = new RecordingListener();
      const held = prefill.hold(asked, {
        tokens: (timeUs, count) => first.tokens(timeUs, count),
        reject: (status, message) => answer.reject(status, message),
        end: (timeUs, completion) => {
          first.end(timeUs, completion);
          assert.deepEqual([first.tokenTimesUs, completion.outputTokens], [[timeUs], 1]);
          clock.at(timeUs + one.delayUs, () => {
            if (!given) then(held.key);
          });
        },
      });
      cancel = () => held.release();
    };
    clock.at(one.atUs, steps[one.way]);
    if (one.cancelAfterUs !== null)
      clock.at(one.atUs + one.cancelAfterUs, () => {
        given = true;
        cancel();
        const told = answers.map(({ tokenTimesUs }) => tokenTimesUs.length);
        clock.at(1e9, () =>
          assert.deepEqual(
            answers.map(({ tokenTimesUs }) => tokenTimesUs.length),
            told,
          ),
        );
      });
    return answers;
  }

  function checkServed(
    answer: RecordingListener,
    { atUs, inputTokens, outputTokens, way }: Request,
    isFirst: boolean,
  ): void {
    assert.deepEqual([answer.refusals, answer.completions.length], [[], 1]);
    assert.equal(answer.tokenTimesUs.length, outputTokens);
    const phases = answer.completions[0]?.phases;
    assert.ok(phases !== undefined);
    const spans = Object.values(phases).filter((span) => span !== null);
    for (const span of spans) assert.ok(span >= 0);
    // Computed where it decodes, it arrived there only when its proxy asked.
    const whole = spans.reduce((sum, span) => sum + span, 0);
    if (phases.transfer_us !== null || way.startsWith('at') || way === 'one port')
      assert.ok(Math.abs(atUs + whole - answer.endUs) < 1e-6, 'the phases are not all of its time');
    else assert.ok(atUs + whole < answer.endUs);
    if (way.startsWith('at') || !isFirst) assert.equal(phases.transfer_us, null);
    if (phases.transfer_us !== null) assert.ok(phases.transfer_us >= 20 + 10 * inputTokens - 1e-6);
  }

  test('each answer has exactly its tokens, nobody is heard of again, and nothing stays in memory on either side', async () => {
    const seen = { fetched: 0, tooOld: 0, cancelled: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(0, 0.3),
        async (all, lost) => {
          const clock = new VirtualClock();
          let transfers = 0;
          const parts = small({
            prefill: { count: 2, capacityBlocks: 12, policy: () => vllmV1({ ...LIMITS, tokenBudget: 16 }) },
            decode: {
              count: 2,
              capacityBlocks: 12,
              policy: () => vllmV1({ holdersFirst: true, ...LIMITS, tokenBudget: 16 }),
            },
            isLost: () => lost > 0 && ++transfers % 3 === 0,
          });
          let steps = 0;
          const engine = smallDisaggregated(clock, parts, ({ free_blocks }) => {
            assert.ok(free_blocks >= 0);
            assert.ok(steps++ < 20_000, 'it goes on and on');
          });
          const answers = all.map((one, i) => send(clock, engine, one, String(i)));
          await clock.run(() => false);
          const { prefill, decode } = endpointsOf(engine);
          for (const side of [engine, prefill, decode]) {
            const { usedBlocks, running, waiting } = side.load();
            assert.deepEqual([usedBlocks, running, waiting], [0, 0, 0]);
          }
          for (const [i, one] of all.entries()) {
            if (one.cancelAfterUs !== null) {
              seen.cancelled++;
              continue;
            }
            if (one.way === 'never fetched') {
              assert.deepEqual([answers[i]?.[0]?.refusals, answers[i]?.[0]?.completions], [[], []]);
              continue;
            }
            for (const [k, answer] of answers[i]?.entries() ?? []) checkServed(answer, one, k === 0);
            if (one.way !== 'two steps') continue;
            if (answers[i]?.[0]?.completions[0]?.phases.transfer_us === null) seen.tooOld++;
            else seen.fetched++;
          }
        },
      ),
      { numRuns: 300 },
    );
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `nobody was ${what}`);
  });
});
