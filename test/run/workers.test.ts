import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { Certificate } from '../../src/schema/certificate.ts';
import { EXAMPLE_CERTIFICATE } from '../certificate/example-certificate.ts';
import { defineRun } from '../../src/run/run-options.ts';
import { defineGoodput } from '../../src/search/goodput/options.ts';
import { workersOf } from '../../src/run/workers.ts';

const BASE = { workload: 'chat', target: 'http://127.0.0.1:1' };
const OWN = { name: 'own', format: 'own', path: '', transforms: [], open: async function* () {} };
const codec = (): never => assert.fail('no codec is made');

const message = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  return '';
};

describe('--workers', () => {
  const busiest = { tokensPerS: 50_000, requestsPerS: 10 };
  const stats = { busiest, requests: 100 };
  const count = (options: object, certificate: Certificate | null = null): number =>
    workersOf({ ...defineRun({ ...BASE, ...options }), certificate }, stats, 4);

  it('auto is one without a certificate; a number is so many, as the command line gives it too', () => {
    const workers = [{}, { workers: 'auto' }, { workers: 1 }, { workers: 3 }, { workers: '3' }];
    assert.deepEqual(
      workers.map((each) => count(each)),
      [1, 1, 1, 3, 3],
    );
  });

  it('a number is no more than there are requests, nor than four a core', () => {
    const spec = defineRun({ ...BASE, workers: 1000 });
    assert.deepEqual(
      [1, 5, 100].map((requests) => workersOf(spec, { requests }, 4)),
      [1, 5, 16],
    );
  });

  it('auto is what the busiest time needs by the certificate, where several can do what is asked for', () => {
    assert.equal(count({}, EXAMPLE_CERTIFICATE), 2);
    assert.equal(count({ maxInFlight: 10 }, EXAMPLE_CERTIFICATE), 1);
    assert.equal(count({ workers: 1 }, EXAMPLE_CERTIFICATE), 1);
    const beyond = { tokensPerS: 1e9, requestsPerS: 1 };
    const most = (target: string): number =>
      workersOf(
        { ...defineRun({ ...BASE, target }), certificate: EXAMPLE_CERTIFICATE },
        { ...stats, busiest: beyond },
        4,
      );
    assert.deepEqual([most('http://10.0.0.1:8000'), most('http://127.0.0.1:8000'), most('reference')], [4, 3, 3]);
  });

  it('takes nothing else, and says what it takes', () => {
    for (const wrong of [0, -1, 1.5, '0', 'two', '', '2x', null, [2], NaN])
      assert.match(
        message(() => defineRun({ ...BASE, workers: wrong })),
        /^--workers: .*auto or a whole number from 1/,
      );
  });

  const ofOne: readonly [what: string, options: object, named: RegExp][] = [
    ['virtual time', { target: 'reference', clock: 'virtual' }, /--clock virtual/],
    ['a codec of a program', { codec }, /codec of your own/],
    ['a source of a program', { workload: OWN }, /source of your own/],
    ['a cap on the requests in flight', { maxInFlight: 10 }, /--max-in-flight 10/],
    ['sessions at a time', { sessions: 'think', concurrentSessions: 5 }, /--concurrent-sessions 5/],
    ['a cap on idle time', { sessions: 'think', idleCap: '10s' }, /--idle-cap 10/],
  ];
  for (const [what, options, named] of ofOne)
    it(`several are refused with ${what}, one and auto are not`, () => {
      const refused = message(() => defineRun({ ...BASE, ...options, workers: 2 }));
      assert.match(refused, named);
      assert.match(refused, /^--workers 2: .*; leave one of them out$/);
      for (const workers of [1, 'auto'])
        assert.equal(
          message(() => defineRun({ ...BASE, ...options, workers })),
          '',
        );
    });

  it('several are refused where a search paces the requests', () => {
    const search = (of: string, workers: number): string =>
      message(() => defineGoodput({ ...BASE, slo: 'ttft=1s', of, workers }, null, '2026-11-29T00:00:00Z'));
    assert.match(search('traffic', 2), /^--workers 2: with --of traffic/);
    assert.deepEqual([search('traffic', 1), search('trace', 2)], ['', '']);
  });
});
