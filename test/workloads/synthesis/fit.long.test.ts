import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanFitQuality } from '../../../scripts/calibration/trace-fit-mean.ts';
import { openSource } from '../../../workloads/index.ts';
import { fitTrace } from '../../../workloads/synthesis/fit.ts';
import { shared } from '../../shared.ts';

const { path, skip } = shared('traces/AzureLLMInferenceTrace_conv.csv');

test(
  'what is made like the Azure conversation trace is like it within every bound, as the mean of seeds 1 to 10',
  {
    skip,
  },
  async () => {
    const figures = meanFitQuality(await fitTrace(await openSource(path, { onBadRow: 'fail' })), 10);
    const beyond = figures.filter(({ isWithin }) => isWithin === false);
    assert.deepEqual(beyond, []);
    assert.ok(figures.filter(({ isWithin }) => isWithin === true).length >= 9, 'the figures are there to be compared');
  },
);
