import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cellsOf, gridTargets, usualRates } from '../../../src/search/sweep/grid.ts';
import { defineRun } from '../../../src/run/run-options.ts';
import { parseTarget } from '../../../src/target/target-spec.ts';

const ON = 'model=llama-3.1-8b,gpu=a100-sxm-80g';
const named = (...targets: string[]): string[] =>
  gridTargets(targets.map(parseTarget), { gpus: targets.map(() => 4), perGpu: true }).map(({ name }) => name);

describe('the grid of a sweep', () => {
  it('tells targets apart by the shortest names that do', () => {
    assert.deepEqual(named(`reference:vllm-v1,${ON}`, `reference:sglang,${ON}`), ['vllm-v1', 'sglang']);
    assert.deepEqual(named(`reference:vllm-v1,${ON}`, `reference:vllm-v1,${ON},tp=2`), ['vllm-v1', 'vllm-v1 tp=2']);
    assert.deepEqual(named('http://a:8000', 'http://a:8001/v1'), ['a:8000', 'a:8001']);
    assert.deepEqual(named('prefill=http://a:1,decode=http://c:1', 'http://a:1'), ['c_1-1p1d', 'a:1']);
    assert.deepEqual(
      named('prefill=http://a:1,decode=http://c:1', 'prefill=http://b:1,decode=http://c:1'),
      ['c_1-1p1d a:1', 'c_1-1p1d b:1'],
      'by the server that only one of them has',
    );
    // The same options in another order.
    const other = `reference:vllm-v1,${ON.split(',').toReversed().join(',')}`;
    assert.deepEqual(named(`reference:vllm-v1,${ON}`, other), ['vllm-v1 (1)', 'vllm-v1 (2)']);
  });

  it('has the GPUs of each target as given, or else as it tells: a server does not', () => {
    const specs = [`reference:vllm-v1,${ON},tp=2`, 'http://a:8000'].map(parseTarget);
    const gpusOf = (...gpus: (number | null)[]): (number | null)[] =>
      gridTargets(specs, { gpus, perGpu: false }).map((target) => target.gpus);
    assert.deepEqual(gpusOf(null, 4), [2, 4]);
    assert.deepEqual(gpusOf(7, 4), [7, 4]);
    assert.deepEqual(gpusOf(null, null), [2, null]);
    assert.throws(() => gridTargets(specs, { gpus: [], perGpu: true }), /--per-gpu: http:\/\/a:8000 .* --gpus/);
  });

  it('has a run at every rate, in a folder of its own, named for its rate without the rounding of doubles', () => {
    const [target] = gridTargets([parseTarget(`reference:vllm-v1,${ON},instances=3`)], { gpus: [], perGpu: true });
    assert.ok(target !== undefined);
    const specAt = (rate: number, out: string): ReturnType<typeof defineRun> =>
      defineRun({ workload: 'chat', target: `reference:vllm-v1,${ON},instances=3`, rate, out });
    const cells = cellsOf(target, [0.1, 0.3, 2], true, specAt);
    assert.deepEqual(
      cells.map(({ rateRps, rateRpsPerGpu, dir }) => [rateRps, rateRpsPerGpu, dir]),
      [
        [0.3, 0.1, 'runs/1-reference-vllm-v1/0.3rps'],
        [0.9, 0.3, 'runs/1-reference-vllm-v1/0.9rps'],
        [6, 2, 'runs/1-reference-vllm-v1/6rps'],
      ],
    );
    assert.equal(cells[2]?.what, 'vllm-v1 at 2.00 requests/s per GPU');
  });

  it('is about the own rate of the trace where no rates are given', () => {
    const rates = usualRates(1);
    assert.deepEqual([rates[0], rates[4], rates[8], rates.length], [0.25, 1, 4, 9]);
    for (const [i, rate] of rates.slice(1).entries())
      assert.ok(Math.abs(rate / (rates[i] ?? 1) - Math.SQRT2) < 1e-4, String(rate));
  });
});
