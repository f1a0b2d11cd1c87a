import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResponseInfo, ScheduledRequest, SessionTurn } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, engineTarget, parseEngineSpec } from '../../src/engine/index.ts';

/** A turn: what is new of its prompt, and its output. */
interface Turn {
  readonly newTokens: number;
  readonly outputTokens: number;
}

const BLOCK_TOKENS = 512;

/** Sends the turns of sessions one after another, and returns what each found in the cache. */
async function cachedTokens(
  spec: string,
  sessions: readonly (readonly Turn[])[],
  { blocks, isLive }: { readonly blocks?: readonly number[]; readonly isLive: boolean },
): Promise<(number | null)[][]> {
  const clock = new VirtualClock();
  const target = engineTarget(createEngine(parseEngineSpec(spec), { clock }), clock, BLOCK_TOKENS);
  const found: (number | null)[][] = [];
  let index = 0;
  for (const session of sessions) {
    const turns: SessionTurn[] = [];
    const cached: (number | null)[] = [];
    let length = 0;
    for (const { newTokens, outputTokens } of session) {
      const pieces = turns.length === 0 ? Math.min((blocks?.length ?? 0) * BLOCK_TOKENS, newTokens) : length;
      turns.push({ id: ++index, begin: pieces });
      const inputTokens = length + newTokens;
      const [first, ...others] = turns;
      assert.ok(first !== undefined);
      const scheduled: ScheduledRequest = {
        index,
        request: {
          id: `r${index}`,
          traceRow: index,
          dueUs: 0,
          inputTokens,
          outputTokens,
          ...(blocks === undefined ? {} : { blocks }),
        },
        dueUs: 0,
        calls: [],
        ...(isLive ? { turns: [first, ...others] } : {}),
      };
      cached.push((await ended(scheduled))?.cachedTokens ?? null);
      length = inputTokens + outputTokens;
    }
    found.push(cached);
  }
  return found;

  async function ended(scheduled: ScheduledRequest): Promise<ResponseInfo | null> {
    let response: ResponseInfo | null = null;
    clock.at(clock.now() + 1000, () =>
      target.send(scheduled, {
        sent: () => undefined,
        tokens: () => undefined,
        end: (_index, _timeUs, info) => (response = info),
        fail: (_index, _timeUs, _outcome, error) => assert.fail(error),
        fault: (_index, error) => assert.fail(String(error)),
      }),
    );
    await clock.run(() => false);
    return response;
  }
}

const SESSION: readonly Turn[] = [
  { newTokens: 1000, outputTokens: 77 },
  { newTokens: 1, outputTokens: 200 },
  { newTokens: 333, outputTokens: 1 },
  { newTokens: 16, outputTokens: 16 },
];
/** Tokens of prompt and output that each turn leaves computed: the last token of an output is never computed. */
const LEFT = [1076, 1277, 1611, 1643];

describe('a turn of a session whose answers are those of the run finds the turns before it in the cache', () => {
  for (const [spec, blockTokens] of [
    ['vllm-v1', 16],
    ['vllm-v1,async=off', 16],
    ['vllm-v1,version=0.10,async=off,block_tokens=8', 8],
    ['sglang', 1],
    ['sglang,version=0.4,async=off', 1],
    ['vllm-v0', 0],
  ] as const)
    it(`${spec}: prompt and output, ${blockTokens === 0 ? 'where there is one' : `by ${blockTokens} tokens`}, and no other session does`, async () => {
      const [first, second] = await cachedTokens(spec, [SESSION, SESSION], { isLive: true });
      const expected = LEFT.map((tokens) => (blockTokens === 0 ? 0 : Math.floor(tokens / blockTokens) * blockTokens));
      assert.deepEqual(first, [0, ...expected.slice(0, -1)]);
      assert.deepEqual(second, first);
    });

  it('as it did without: where answers are those of the trace, nothing of them is found', async () => {
    const [first] = await cachedTokens('vllm-v1', [SESSION], { isLive: false });
    assert.deepEqual(first, [0, 0, 0, 0]);
  });

  it('blocks that first prompts share are found by every session, the turns behind them by their own', async () => {
    const blocks = [1, 2];
    const [first, second] = await cachedTokens('vllm-v1', [SESSION, SESSION], { isLive: true, blocks });
    assert.deepEqual(first, [0, 1072, 1264, 1600]);
    assert.deepEqual(second, [992, 1072, 1264, 1600]);
  });
});
