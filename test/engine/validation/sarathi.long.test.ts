import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { shared } from '../../shared.ts';
import { simulatedTimes } from '../../../src/search/simulated-times.ts';

const TRACE = shared('traces/AzureLLMInferenceTrace_conv.csv');
const ON_A100 = 'model=llama-3.1-8b,gpu=a100-sxm-80g';

interface Figures {
  readonly itlP99Ms: number;
  readonly ttftMeanMs: number;
}

async function figuresOf(system: string, requests: readonly Request[]): Promise<Figures> {
  const gapsMs = new Float64Array(requests.reduce((sum, { outputTokens }) => sum + outputTokens - 1, 0));
  let gaps = 0;
  const results = await simulatedTimes(`${system},${ON_A100}`, requests, {
    onGap: (gapUs) => (gapsMs[gaps++] = gapUs / 1000),
  });
  assert.equal(gaps, gapsMs.length, 'every request has all of its tokens');
  gapsMs.sort();
  const ttftSumMs = results.reduce((sum, { firstUs, dueUs }) => sum + (firstUs - dueUs) / 1000, 0);
  return { itlP99Ms: gapsMs[Math.ceil(0.99 * gaps) - 1] ?? Number.NaN, ttftMeanMs: ttftSumMs / requests.length };
}

async function readTrace(path: string): Promise<Request[]> {
  const source = await openSource(path, { onBadRow: 'fail', onSkipped: () => undefined });
  const requests: Request[] = [];
  for await (const batch of source.open()) requests.push(...batch);
  return requests;
}

/** Sarathi-Serve against vLLM v0 on the whole conversation trace at its own rate: what chunks buy, and what they cost. */
describe('stall-free batching', { skip: TRACE.skip }, () => {
  for (const penalty of [1, 1.1])
    test(`with mixed_batch_penalty=${penalty}: P99 ITL a fifth of vLLM v0's at most; a smaller budget, a later first token`, async (t) => {
      const requests = await readTrace(TRACE.path);
      assert.equal(requests.length, 19_366);
      const option = `mixed_batch_penalty=${penalty}`;
      const v0 = await figuresOf(`vllm-v0,${option}`, requests);
      const strict = await figuresOf(`sarathi,token_budget=512,${option}`, requests);
      const relaxed = await figuresOf(`sarathi,token_budget=2048,${option}`, requests);
      for (const [name, { itlP99Ms, ttftMeanMs }] of Object.entries({ v0, strict, relaxed }))
        t.diagnostic(`${name}: P99 ITL ${itlP99Ms.toFixed(2)} ms, mean TTFT ${ttftMeanMs.toFixed(1)} ms`);
      assert.ok(v0.itlP99Ms >= 5 * strict.itlP99Ms, `${v0.itlP99Ms} ms against ${strict.itlP99Ms} ms`);
      assert.ok(strict.ttftMeanMs > relaxed.ttftMeanMs, `${strict.ttftMeanMs} ms against ${relaxed.ttftMeanMs} ms`);
    });
});
