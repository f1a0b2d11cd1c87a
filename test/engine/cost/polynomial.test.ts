import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { DISTSERVE_FITS, LARGE_BATCH, VLLM_FITS, type Fit } from '../../../src/engine/cost/polynomial-fits.ts';
import { polynomial } from '../../../src/engine/cost/polynomial.ts';
import { shared } from '../../shared.ts';

const profile = z.record(
  z.string(),
  z.record(
    z.string(),
    z.object({
      decoding_large_small_bs_threshold: z.literal(LARGE_BATCH),
      prefill: z.array(z.number()),
      decoding_smallbs: z.array(z.number()),
      decoding_largebs: z.array(z.number()),
    }),
  ),
);

for (const [name, fits] of [
  ['distserve', DISTSERVE_FITS],
  ['vllm', VLLM_FITS],
] as const) {
  const file = shared(`profiles/simdistserve_profiler-a100-80g.${name}.json`);
  test(`the coefficients of ${name} are all that were published, to the last digit`, { skip: file.skip }, () => {
    const published = Object.entries(profile.parse(JSON.parse(readFileSync(file.path, 'utf8')))).map(
      ([model, degrees]) => [
        model.replace('facebook/', ''),
        Object.fromEntries(
          Object.entries(degrees).map(([tp, fit]) => [
            tp,
            { prefill: fit.prefill, decodeSmall: fit.decoding_smallbs, decodeLarge: fit.decoding_largebs },
          ]),
        ),
      ],
    );
    assert.deepEqual(fits, Object.fromEntries(published));
  });
}

describe('a batch', () => {
  const fit = (a: number): Fit => [a, 0.01, 0.001];
  const cost = polynomial({ prefill: fit(10), decodeSmall: fit(20), decodeLarge: fit(30) }, 1.5, 1);
  const timeMs = (batch: Batch): number => cost.timeUs(batch) / 1000;
  const near = (ms: number, expected: number): void => assert.ok(Math.abs(ms - expected) < 1e-9, `${ms}`);

  function decodes(count: number, context: number): Batch {
    const batch = new Batch();
    for (let i = 0; i < count; i++) batch.addDecode(context);
    return batch;
  }

  test('of prompts: a + b sum(l) + c sum(l^2), the stage, the calls', () => {
    const batch = new Batch();
    batch.addChunk(100, 0, true);
    batch.addChunk(50, 0, true);
    near(timeMs(batch), 10 + 0.01 * 150 + 0.001 * (100 ** 2 + 50 ** 2) + 1 + 2 + 1e-4 * 150);
  });

  test('of decodes: another fit from 95 requests on, calls without the new tokens', () => {
    near(timeMs(decodes(94, 101)), 20 + 0.01 * 94 * 101 + 0.001 * 94 + 2 + 1e-4 * 94 * 100);
    near(timeMs(decodes(95, 101)), 30 + 0.01 * 95 * 101 + 0.001 * 95 + 2 + 1e-4 * 95 * 100);
  });

  test('of one chunk after another has the squares of the whole prompt', () => {
    const [whole, first, second] = [new Batch(), new Batch(), new Batch()];
    whole.addChunk(100, 0, true);
    first.addChunk(60, 0, false);
    second.addChunk(40, 60, true);
    near(timeMs(first) + timeMs(second) - timeMs(whole), 10 + 1 + 2);
  });

  test('of both phases is the sum of both, calls once, times the penalty', () => {
    const [mixed, prompt] = [decodes(3, 11), new Batch()];
    mixed.addChunk(100, 0, true);
    prompt.addChunk(100, 0, true);
    near(timeMs(mixed), 1.5 * (timeMs(decodes(3, 11)) + timeMs(prompt) - 2));
  });
});

/** Rows of a CSV without quotes, as numbers, header left out. */
function rows(path: string): number[][] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => line.split(',').map(Number));
}

const TRACE = shared('oracles/simdistserve/opt13b-chat-rate0.5.trace.csv');
const TIMES = shared('oracles/simdistserve/opt13b-chat-rate0.5.distserve.csv');
test('DistServe’s simulator has the same times for requests that nothing held up', { skip: TRACE.skip }, () => {
  const fits = DISTSERVE_FITS['opt-13b']?.[1];
  assert.ok(fits);
  const cost = polynomial(fits, 1, 1);
  const batch = new Batch();
  const times = rows(TIMES.path);
  let [promptsAlone, decodesAlone] = [0, 0];
  for (const [i, [, input = 0, output = 0]] of rows(TRACE.path).entries()) {
    const [, ttftMs = 0, tpotMs = 0] = times[i] ?? [];
    batch.clear();
    batch.addChunk(input, 0, true);
    const prefillMs = cost.timeUs(batch) / 1000;
    let decodeMs = 0;
    for (let made = 0; made < output - 1; made++) {
      batch.clear();
      batch.addDecode(input + made + 1);
      decodeMs += cost.timeUs(batch) / 1000;
    }
    assert.ok(ttftMs > prefillMs - 0.001, `row ${i + 1}: ${ttftMs} ms, ${prefillMs} alone`);
    if (ttftMs < prefillMs + 0.001) promptsAlone++;
    if (output < 2) continue;
    assert.ok(tpotMs > decodeMs / (output - 1) - 0.001, `row ${i + 1}: ${tpotMs} ms`);
    if (tpotMs < decodeMs / (output - 1) + 0.001) decodesAlone++;
  }
  assert.ok(promptsAlone > 900 && decodesAlone > 10, `${promptsAlone} prompts, ${decodesAlone} decodes were alone`);
});
