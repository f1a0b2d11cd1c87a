import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTrace } from '../../../scripts/bench/counted-simulation.ts';
import { simulatedTimes } from '../../../src/search/simulated-times.ts';
import { shared } from '../../shared.ts';

const { path, skip } = shared('traces/AzureLLMInferenceTrace_conv.csv');
const REQUESTS = 3000;
const NO_HOST = 'host_fixed_us=0,host_per_sequence_us=0';

/** Of the first requests of the trace, as fast as `--rate` has them. */
async function means(rate: number, options: string): Promise<{ ttftMs: number; tpotMs: number }> {
  const requests = (await readTrace(path)).requests.slice(0, REQUESTS);
  const [begin = Number.NaN, end = Number.NaN] = [requests[0]?.dueUs, requests.at(-1)?.dueUs];
  const factor = ((REQUESTS - 1) * 1e6) / (end - begin) / rate;
  const due = requests.map((one) => ({ ...one, dueUs: (one.dueUs - begin) * factor }));
  const times = await simulatedTimes(`vllm-v1,model=llama-3.1-8b,gpu=h100-sxm,${options}`, due);
  let [ttftUs, tpotUs, decoded] = [0, 0, 0];
  for (const [i, { dueUs, firstUs, lastUs }] of times.entries()) {
    ttftUs += firstUs - dueUs;
    const more = (requests[i]?.outputTokens ?? 1) - 1;
    if (more === 0) continue;
    tpotUs += (lastUs - firstUs) / more;
    decoded++;
  }
  return { ttftMs: ttftUs / REQUESTS / 1000, tpotMs: tpotUs / decoded / 1000 };
}

/** Mean TTFT, ms, of a prototype that was equal to vLLM's own scheduler in every iteration. */
const TTFT_MS = [
  { rate: 8, ahead: 43.7, behind: 35.8 },
  { rate: 15, ahead: 67.7, behind: 54.1 },
];

describe('Azure’s conversation trace on llama-3.1-8b and an H100', { skip }, () => {
  for (const { rate, ahead, behind } of TTFT_MS)
    it(`at ${rate} requests/s, deciding ahead costs a batch of TTFT and hides the host’s work`, async () => {
      const on = await means(rate, `async=on,${NO_HOST}`);
      const off = await means(rate, `async=off,${NO_HOST}`);
      const withHost = await means(rate, 'async=on');
      assert.ok(Math.abs(on.ttftMs / ahead - 1) < 0.02, `${on.ttftMs}`);
      assert.ok(Math.abs(off.ttftMs / behind - 1) < 0.02, `${off.ttftMs}`);
      assert.ok(withHost.tpotMs / on.tpotMs < 1.02, `${withHost.tpotMs} against ${on.tpotMs}`);
    });
});
