import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { workersFor } from '../../src/certificate/workers.ts';
import { LOAD_AXES } from '../../src/schema/certificate.ts';
import { EXAMPLE_CERTIFICATE as certificate, exampleCertificate } from './example-certificate.ts';

const amount = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
const loads = fc.record({ tokens_per_s: amount, requests_per_s: amount, streams: amount });
const cores = fc.integer({ min: 1, max: 64 });

it('gives no worker more than four fifths of what one carries, as far as there are cores', () => {
  fc.assert(
    fc.property(loads, cores, (load, count) => {
      const workers = workersFor(load, certificate, count);
      assert.ok(Number.isInteger(workers) && workers >= 1 && workers <= count);
      const carried = { tokens_per_s: 40_000, requests_per_s: 1000, streams: 8000 };
      const fits = (by: number): boolean =>
        LOAD_AXES.every((axis) => (load[axis] ?? 0) / by <= 0.8 * carried[axis] * (1 + 1e-9));
      assert.ok(fits(workers) || workers === count);
      assert.ok(workers === 1 || !fits(workers - 1), 'fewer would do');
    }),
  );
});

it('takes one where nothing is known', () => {
  fc.assert(fc.property(loads, cores, (load, count) => assert.equal(workersFor(load, null, count), 1)));
  const late = exampleCertificate([{ axis: 'tokens_per_s', points: [[5000, 2, 2]] }]);
  assert.equal(workersFor({ tokens_per_s: 5000, requests_per_s: null, streams: null }, late, 8), 1);
});
