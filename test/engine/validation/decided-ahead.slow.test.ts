import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run } from '../../../src/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { shared } from '../../shared.ts';

const { path, skip } = shared('traces/AzureLLMInferenceTrace_conv.csv');
const NO_HOST = 'host_fixed_us=0,host_per_sequence_us=0';
const folder = temporaryFolder();

async function means(rate: number, options: string): Promise<{ ttftMs: number; tpotMs: number }> {
  const { summary } = await run({
    workload: path,
    limit: 3000,
    rate,
    target: `reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm,${options}`,
    clock: 'virtual',
    out: join(folder, `${rate}-${options.replaceAll(',', '-')}`),
  });
  const { ttft, tpot } = summary.latency_ms;
  return { ttftMs: ttft?.mean ?? Number.NaN, tpotMs: tpot?.mean ?? Number.NaN };
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
