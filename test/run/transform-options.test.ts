import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { transformsOf, type TransformOptions } from '../../src/run/transform-options.ts';
import { applyTransforms } from '../../workloads/index.ts';
import { exampleSource } from '../workloads/temporary-files.ts';

const PLAIN: TransformOptions = { speed: 1, seed: 7 };
const ALL: TransformOptions = {
  ...PLAIN,
  rate: 3,
  rateBy: 'sessions',
  scaleThink: true,
  copyBlocks: 'same',
  copies: 2,
  clipOutput: 9,
  clipInput: 99,
  scaleOutput: 0.5,
  scaleInput: 2,
  declump: 'uniform',
  limit: 50,
  thin: 0.5,
  sampleSessions: 0.25,
  filter: 'class=chat',
  warm: true,
  window: '1s..2s',
};

it('transforms are those that are asked for, in one order, whatever the order of the options', () => {
  assert.deepEqual(transformsOf(PLAIN), []);
  assert.deepEqual(transformsOf(ALL), [
    { op: 'window', args: { from_us: 1e6, to_us: 2e6, warm: 1 } },
    { op: 'filter', args: { where: 'class=chat' } },
    { op: 'sample-sessions', args: { share: 0.25, seed: 7 } },
    { op: 'thin', args: { share: 0.5, seed: 7 } },
    { op: 'limit', args: { requests: 50 } },
    { op: 'declump', args: { by: 'uniform', seed: 7 } },
    { op: 'scale-input', args: { factor: 2 } },
    { op: 'scale-output', args: { factor: 0.5 } },
    { op: 'clip-input', args: { tokens: 99 } },
    { op: 'clip-output', args: { tokens: 9 } },
    { op: 'copies', args: { copies: 2, seed: 7, times: 'shifted', blocks: 'same' } },
    { op: 'rate', args: { rps: 3, by: 'sessions', seed: 7, scale_think: 1 } },
  ]);
  assert.deepEqual(transformsOf({ ...PLAIN, speed: 2 }), [{ op: 'speed', args: { factor: 2 } }]);
  assert.deepEqual(transformsOf({ ...PLAIN, scaleUnique: 2 }), [{ op: 'scale-parts', args: { prefix: 1, unique: 2 } }]);
  assert.deepEqual(transformsOf({ ...PLAIN, rate: 2, rateBy: 'time' }), [{ op: 'rate', args: { rps: 2 } }]);
});

it('every transform of the options is one that there is, and takes the arguments that it is given', async () => {
  const source = exampleSource([0, 0, 5e5, 1e6, 1.2e6, 1.2e6, 1.5e6]);
  for (const spec of [...transformsOf(ALL), ...transformsOf({ ...PLAIN, scalePrefix: 2 })])
    await applyTransforms(source, [spec]);
});

it('options that mean nothing alone, or not together, are refused with what to write', () => {
  const refused = (options: Partial<TransformOptions>, message: RegExp): void =>
    assert.throws(
      () => transformsOf({ ...PLAIN, ...options }),
      (thrown) => thrown instanceof UserError && message.test(thrown.message),
    );
  refused({ warm: true }, /--warm: .*--window FROM\.\.TO/);
  refused({ copyTimes: 'same' }, /--copy-times, --copy-blocks: .*--copies N/);
  refused({ copyBlocks: 'same' }, /--copies N/);
  refused({ scaleInput: 2, scaleUnique: 3 }, /--scale-input is --scale-prefix and --scale-unique alike/);
  refused({ rate: 2, speed: 3 }, /--rate 2 and --speed 3 both scale time/);
});
