import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { it } from 'node:test';
import { TRANSFORM_CASES, transformEffects } from '../../../scripts/calibration/transform-cases.ts';
import { shared } from '../../shared.ts';

const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
const mooncake = shared('traces/mooncake_conversation_trace.jsonl');

/** Means over few seeds are known that well; `effects.long.test.ts` has 20 of all. */
const SEEDS = 4;
const QUIET_ENOUGH = /uniformly|half of the requests|half of the prefix trees/;

it(
  'transforms do to the public traces what other code found, the deterministic ones within 2 %',
  { skip: azure.skip || mooncake.skip },
  async () => {
    const cases = TRANSFORM_CASES.filter(({ isRandom, name }) => !isRandom || QUIET_ENOUGH.test(name));
    for (const { name, figure, wanted, found, within } of await transformEffects(dirname(azure.path), SEEDS, cases))
      assert.ok(Math.abs(found / wanted - 1) <= within, `${name}: ${figure} is ${found}, not ${wanted}`);
  },
);
