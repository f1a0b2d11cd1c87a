import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { beyondCertificate } from '../../src/certificate/beyond.ts';
import { clockErrorAt, lnClockError } from '../../src/certificate/clock-error.ts';
import { pollingPays } from '../../src/certificate/polling.ts';
import { EXAMPLE_CERTIFICATE as certificate, exampleCertificate } from './example-certificate.ts';

const NOTHING = { tokens_per_s: null, requests_per_s: null, streams: null };

it('takes the largest error of the axes, of the trial at the load or above it', () => {
  const load = { tokens_per_s: 12_000, requests_per_s: 100, streams: 200 };
  assert.deepEqual(clockErrorAt(certificate, load, 'off'), { p50: 100, p99: 300 });
  assert.deepEqual(clockErrorAt(certificate, { ...NOTHING, streams: 5000 }, 'off'), { p50: 200, p99: 600 });
  assert.equal(clockErrorAt(certificate, { ...load, tokens_per_s: 80_001 }, 'off'), null, 'nobody has tried');
  assert.equal(clockErrorAt(certificate, NOTHING, 'off'), null);
  // Streams were stepped without polling alone.
  assert.equal(clockErrorAt(certificate, { ...load, streams: 1 }, 'on')?.p99, 100);
});

it('knows an error wherever it would know that of a larger load, and never a larger one', () => {
  const amount = fc.double({ min: 0, max: 90_000, noNaN: true });
  fc.assert(
    fc.property(amount, amount, fc.constantFrom('off', 'on'), fc.integer({ min: 1, max: 8 }), (a, b, poll, workers) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const of = (tokens: number): number | null =>
        clockErrorAt(certificate, { ...NOTHING, tokens_per_s: tokens }, poll, workers)?.p99 ?? null;
      const ofHigh = of(high);
      if (ofHigh !== null) assert.ok((of(low) ?? Infinity) <= ofHigh);
    }),
  );
});

it('bounds what the clock makes of a change', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1000, noNaN: true }),
      fc.double({ min: 1, max: 1000, noNaN: true }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      (base, now, ofBase, ofNow) => {
        const trueLn = Math.log((now - ofNow) / (base - ofBase));
        const bound = lnClockError([ofBase, ofNow], [base, now]);
        assert.ok(Math.abs(trueLn - Math.log(now / base)) <= bound + 1e-12);
      },
    ),
  );
  assert.equal(lnClockError([0, 0], [10, 10]), 0);
  assert.ok(lnClockError([10, 0], [10, 10]) > 13, 'a latency below the error of the clock');
});

it('polls where that lowers the error or the lateness by more than 0.1 ms', () => {
  const at = (tokens: number | null, requests: number | null): boolean | null =>
    pollingPays({ tokens_per_s: tokens, requests_per_s: requests, streams: null }, certificate);
  assert.equal(at(5000, 500), false);
  assert.equal(at(20_000, 500), true, 'tokens come late');
  assert.equal(at(5000, 2000), true, 'requests leave late');
  assert.equal(at(null, 900), false);
  assert.equal(at(null, null), null, 'the load is not known');
  assert.equal(at(80_001, null), null, 'nobody has tried');
  assert.equal(pollingPays({ ...NOTHING, tokens_per_s: 1 }, null), null, 'no certificate');
  const offAlone = exampleCertificate([{ axis: 'tokens_per_s', points: [[5000, 1, 1]] }]);
  assert.equal(pollingPays({ ...NOTHING, tokens_per_s: 1 }, offAlone), null);
});

it('says what a load asks beyond the certificate', () => {
  const load = { tokens_per_s: 52_300, requests_per_s: 100, streams: 9000 };
  assert.deepEqual(beyondCertificate(load, certificate, 'off'), [
    '52,300 tokens/s (certified: 40,000)',
    '9,000 open streams (certified: at least 8,000)',
  ]);
  assert.deepEqual(beyondCertificate(load, certificate, 'on'), ['9,000 open streams (certified: at least 8,000)']);
  assert.deepEqual(beyondCertificate(load, certificate, 'off', 2), []);
  assert.deepEqual(beyondCertificate(NOTHING, certificate, 'off'), []);
});
