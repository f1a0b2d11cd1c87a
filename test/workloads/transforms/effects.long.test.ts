import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { it } from 'node:test';
import { TRANSFORM_CASES, transformEffects } from '../../../scripts/calibration/transform-cases.ts';
import { shared } from '../../shared.ts';

const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
const mooncake = shared('traces/mooncake_conversation_trace.jsonl');

it(
  'random transforms do to the public traces what other code found, as the mean of 20 seeds',
  { skip: azure.skip || mooncake.skip },
  async () => {
    const cases = TRANSFORM_CASES.filter(({ isRandom }) => isRandom);
    const effects = await transformEffects(dirname(azure.path), 20, cases);
    assert.ok(effects.length > cases.length);
    for (const { name, figure, wanted, found, within } of effects)
      assert.ok(Math.abs(found / wanted - 1) <= within, `${name}: ${figure} is ${found}, not ${wanted}`);
  },
);
