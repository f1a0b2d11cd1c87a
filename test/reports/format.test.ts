import { axisTimeText } from '../../src/core/units.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { afterText, durationTexts, timeTexts } from '../../reports/format.ts';

it('the durations of a sentence stand in one unit', () => {
  assert.deepEqual(timeTexts([540, 642]), ['9 min', '10.7 min']);
  assert.deepEqual(timeTexts([540, 598]), ['540 s', '598 s']);
  assert.deepEqual(timeTexts([1, 0.5]), ['1 s', '0.5 s']);
  assert.deepEqual(timeTexts([0, 600]), ['0 min', '10 min']);
  assert.deepEqual(durationTexts([480, 1930]), ['0.480 s', '1.93 s']);
  assert.deepEqual(durationTexts([0.812, 12_000]), ['0.812 ms', '12,000 ms']);
  assert.deepEqual(durationTexts([0]), ['0 ms']);
  assert.deepEqual(durationTexts([]), []);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 5 }), (ms) => {
      const units = durationTexts(ms).map((text) => text.split(' ').at(-1));
      assert.equal(new Set(units).size, 1);
      assert.ok(
        durationTexts(ms).every((text) => Number.parseFloat(text) > 0),
        durationTexts(ms).join(' '),
      );
    }),
  );
});

it('a time on an axis stands in the unit of the axis', () => {
  assert.equal(axisTimeText(540, 660), '9 min');
  assert.equal(axisTimeText(30, 660), '0.5 min');
  assert.equal(axisTimeText(540, 599), '540 s');
  assert.equal(axisTimeText(0.25, 0.9), '250 ms');
  assert.equal(afterText(0, 20), 'at the start');
  assert.equal(afterText(0.5, 20), 'after 0.5 s');
});
