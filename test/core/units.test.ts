import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { nearest } from '../../src/core/did-you-mean.ts';
import { parseSlo } from '../../src/core/slo.ts';
import {
  formatMs,
  formatShare,
  msApart,
  sharesApart,
  parseDurationUs,
  parsePrecision,
  parseWindowUs,
  threeFigures,
  threeFiguresUp,
  withThousands,
} from '../../src/core/units.ts';

const says = (pattern: RegExp) => (error: unknown) => error instanceof UserError && pattern.test(error.message);

describe('durations', () => {
  it('are whole microseconds', () => {
    for (const [text, us] of [
      ['250ms', 250_000],
      ['2s', 2e6],
      ['1.5m', 90e6],
      ['.5 s', 5e5],
      ['1h', 3.6e9],
      ['7us', 7],
      ['7µs', 7],
    ] as const)
      assert.equal(parseDurationUs(text, '--x'), us);
  });
  it('need a unit and a number', () => {
    assert.throws(() => parseDurationUs('200', '--timeout'), says(/^--timeout: "200" has no unit; write e.g. 200ms/));
    for (const text of ['', 'ms', '-1s', '1 day', '1e3s', '1..2s'])
      assert.throws(() => parseDurationUs(text, '--x'), says(/--x: /));
  });
  it('make windows', () => {
    assert.deepEqual(parseWindowUs('600s..660s'), { fromUs: 600e6, toUs: 660e6 });
    assert.deepEqual(parseWindowUs('1m..'), { fromUs: 60e6, toUs: Number.POSITIVE_INFINITY });
    for (const text of ['60s', '..', '2s..1s', '1s..1s', '1..2', '1s..2s..3s'])
      assert.throws(() => parseWindowUs(text), says(/--window/));
  });
});

describe('slo', () => {
  it('reads limits in milliseconds', () =>
    assert.deepEqual(parseSlo('ttft=1.5s, TPOT=50ms'), { ttft: 1500, tpot: 50 }));
  it('names what is wrong', () => {
    assert.throws(() => parseSlo('ttft=200'), says(/--slo ttft: "200" has no unit/));
    assert.throws(() => parseSlo('tftt=200ms'), says(/"tftt=200ms" is not a limit/));
    assert.throws(() => parseSlo('ttft=1s,ttft=2s'), says(/given twice/));
    assert.throws(() => parseSlo('ttft=0ms'), says(/above zero/));
    assert.throws(() => parseSlo(''), says(/an empty part/));
  });
});

it('formats figures in the unit that fits', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [0.812, '812 us'],
    [48.23, '48.2 ms'],
    [999.6, '1.00 s'],
    [1934, '1.93 s'],
    [601_000, '10.0 min'],
    [35_900_000, '598 min'],
    [7 * 24 * 3_600_000, '168 h'],
    [Number.POSITIVE_INFINITY, 'never'],
  ];
  for (const [ms, text] of cases) assert.equal(formatMs(ms), text);
  assert.deepEqual([threeFigures(1234.5), threeFigures(0.0123), threeFigures(99.96)], ['1,235', '0.0123', '100']);
  assert.equal(withThousands('1234567.1234'), '1,234,567.1234');
  const shares = [1, 0.9243, 0, 0.9996, 0.99996, 0.0003, 3e-6, 0.9995].map(formatShare);
  assert.deepEqual(shares, ['100 %', '92.4 %', '0 %', '99.96 %', '99.996 %', '0.03 %', '0.000 %', '99.95 %']);
});

it('formats a number from which on something holds rounded up', () => {
  const shown = [0.5464, 0.547, 0.1 + 0.2, 0.99901, 1.2301, 2, 1234.2, 0, 1.1 * 1.1].map(threeFiguresUp);
  assert.deepEqual(shown, ['0.547', '0.547', '0.300', '1.00', '1.24', '2.00', '1,235', '0', '1.21']);
});

it('formats a value and its limit so that they are told apart', () => {
  assert.deepEqual(sharesApart(0.2, 0.04), ['20.0 %', '4.0 %']);
  assert.deepEqual(sharesApart(0.01004, 0.01), ['1.004 %', '1.000 %']);
  assert.deepEqual(sharesApart(0.0096, 0.01), ['0.96 %', '1.00 %']);
  assert.deepEqual(sharesApart(0.01, 0.01), ['1.0 %', '1.0 %']);
  assert.deepEqual(msApart(8.0065, 8.0061), ['8.007 ms', '8.006 ms']);
  assert.deepEqual(msApart(1000.4, 1000), ['1,000.40 ms', '1,000.00 ms']);
});

it('reads a precision within its bounds, in percent alone', () => {
  assert.equal(parsePrecision(' 2.5 %', [0.1, 99], '5%'), 0.025);
  assert.deepEqual(
    ['0.1%', '99%'].map((text) => parsePrecision(text, [0.1, 99], '5%')),
    [0.001, 0.99],
  );
  for (const text of ['0.05', '5', '0.09%', '99.5%', '-1%', '', 'all'])
    assert.throws(
      () => parsePrecision(text, [0.1, 99], '5%'),
      says(/^--precision: ".*" is not a share from 0\.1% to 99%, e\.g\. 5%$/),
    );
});

it('finds the name that was meant', () => {
  assert.equal(nearest('speeed', ['speed', 'seed', 'limit']), 'speed');
  assert.equal(nearest('h100', ['h100-sxm', 'a100-sxm-80g']), undefined);
  assert.equal(nearest('zzzzzz', ['speed']), undefined);
  assert.equal(nearest('tttf', ['tpot', 'ttft']), 'ttft', 'neighbours that are swapped');
  assert.equal(nearest('h101', ['a10', 'h100-sxm']), undefined, 'half of a short name is no typing error');
  assert.equal(nearest('q', ['at', 'slo', 'a']), undefined);
  assert.equal(nearest('run', ['out']), undefined);
});
