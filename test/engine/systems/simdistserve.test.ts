import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { arrive } from '../small-engine.ts';

for (const system of ['simdistserve', 'simdistserve-vllm']) {
  test(`${system}: what no batch can ever hold is refused, and holds up no one`, async () => {
    const clock = new VirtualClock();
    const small = createEngine(parseEngineSpec(`${system},kv_tokens=160`), { clock });
    const [long, fits] = [arrive(clock, small, 0, 161, 2), arrive(clock, small, 10, 160, 2)];
    const large = createEngine(parseEngineSpec(system), { clock });
    // A decode batch attends to 50,000 tokens: prompt and output but the last token.
    const [deep, deepest] = [arrive(clock, large, 0, 50_000, 2), arrive(clock, large, 10, 49_999, 2)];
    await clock.run(() => false);
    assert.match(long.refusals.join(), /^400 .*161/);
    assert.match(deep.refusals.join(), /^400 .* 50001 tokens: 50000 of the prompt and 2 to generate are too many/);
    for (const one of [fits, deepest]) assert.equal(one.tokenTimesUs.length, 2);
  });
}
