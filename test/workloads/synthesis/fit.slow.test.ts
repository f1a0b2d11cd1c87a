import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanFitQuality } from '../../../scripts/calibration/trace-fit-mean.ts';
import { openSource } from '../../../workloads/index.ts';
import { fitTrace, type Fit } from '../../../workloads/synthesis/fit.ts';
import { shared } from '../../shared.ts';

const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
const mooncake = shared('traces/mooncake_conversation_trace.jsonl');

async function fitOf(path: string): Promise<Fit> {
  return fitTrace(await openSource(path, { onBadRow: 'fail' }));
}

/** Seeds from 1 to 10: `fit.long.test.ts`. */
for (const { name, path, skip } of [
  { name: 'the Azure conversation trace', ...azure },
  { name: 'the Mooncake conversation trace, whose times are spread first', ...mooncake },
])
  test(`what is made like ${name} is like it within every bound, on average`, { skip }, async () => {
    const fit = await fitOf(path);
    const figures = meanFitQuality(fit, 3);
    assert.deepEqual(
      figures.filter(({ isWithin }) => isWithin === false),
      [],
    );
    assert.ok(figures.filter(({ isWithin }) => isWithin === true).length >= 9, 'the figures are there to be compared');
  });
