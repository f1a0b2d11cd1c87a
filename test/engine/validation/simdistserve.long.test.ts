import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shared } from '../../shared.ts';
import { simulatedTimes } from '../../../src/search/simulated-times.ts';

const ORACLES = shared('oracles/simdistserve');

/** Which of our systems computes what which oracle's file holds. */
const SYSTEMS = {
  distserve: 'simdistserve,model=opt-13b,gpu=a100-sxm-80g,prefill=1,decode=1',
  vllm: 'simdistserve-vllm,model=opt-13b,gpu=a100-sxm-80g,instances=1',
} as const;

function rows(path: string): number[][] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => line.split(',').map(Number));
}

test('every request has the times of DistServe’s simulator', { skip: ORACLES.skip }, async () => {
  let compared = 0;
  const traces = readdirSync(ORACLES.path).filter((name) => name.endsWith('.trace.csv'));
  for (const trace of traces) {
    const requests = rows(join(ORACLES.path, trace)).map(([arrivalS = 0, inputTokens = 0, outputTokens = 0], i) => ({
      id: `r${i}`,
      dueUs: arrivalS * 1e6,
      inputTokens,
      outputTokens,
    }));
    for (const [oracle, system] of Object.entries(SYSTEMS)) {
      const expected = rows(join(ORACLES.path, trace.replace('.trace.', `.${oracle}.`)));
      const simulated = await simulatedTimes(system, requests);
      assert.equal(simulated.length, expected.length);
      for (const [i, { dueUs, firstUs, lastUs }] of simulated.entries()) {
        const [row, ttftMs = Number.NaN, tpotMs = Number.NaN] = expected[i] ?? [];
        const { outputTokens = Number.NaN } = requests[i] ?? {};
        const off = `${oracle} on ${trace}, row ${row}`;
        assert.ok(Math.abs((firstUs - dueUs) / 1000 - ttftMs) < 0.01, `TTFT of ${off}`);
        assert.ok(Math.abs((lastUs - firstUs) / 1000 / (outputTokens - 1) - tpotMs) < 0.001, `TPOT of ${off}`);
        compared++;
      }
    }
  }
  assert.equal(compared, traces.length * 2 * 1000);
  assert.ok(compared > 0);
});
