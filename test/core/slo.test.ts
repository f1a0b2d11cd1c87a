import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  checkAllJudged,
  checkClasses,
  commonLimits,
  type Limits,
  limitsOf,
  mapLimits,
  parseSlo,
  SLO_METRICS,
} from '../../src/core/slo.ts';
import { resolveSlo } from '../../src/slos/index.ts';

const anyLimits = fc
  .uniqueArray(fc.constantFrom(...SLO_METRICS), { minLength: 1 })
  .chain((metrics) =>
    fc.record<Record<string, number>>(
      Object.fromEntries(metrics.map((metric) => [metric, fc.integer({ min: 1, max: 100_000 })])),
    ),
  );
const anyClass = fc
  .string({ minLength: 1 })
  .filter((name) => !/[=;]/.test(name) && name.trim() === name && name !== '*');
const written = (limits: Limits): string =>
  SLO_METRICS.flatMap((metric) => (limits[metric] === undefined ? [] : [`${metric}=${limits[metric]}ms`])).join(',');

describe('an SLO', () => {
  it('is read as it was written, by class or not', () => {
    fc.assert(
      fc.property(fc.option(anyLimits), fc.dictionary(anyClass, anyLimits), (others, own) => {
        fc.pre(others !== null || Object.keys(own).length > 0);
        const parts = [
          ...Object.entries(own).map(([name, limits]) => `${name}:${written(limits)}`),
          ...(others === null ? [] : [`*: ${written(others)}`]),
        ];
        const slo = parseSlo(parts.join(' ; '));
        for (const [name, limits] of Object.entries(own)) assert.deepEqual({ ...limitsOf(slo, name) }, { ...limits });
        const elsewhere = limitsOf(slo, null);
        assert.equal(elsewhere === null, others === null);
        for (const metric of SLO_METRICS) assert.equal(elsewhere?.[metric], others?.[metric]);
      }),
    );
  });

  it('takes the limits of a published profile for a class', () => {
    const { limits } = resolveSlo('chat:distserve-osdi-chat-opt-13b;e2e=30s');
    assert.deepEqual(limits, { e2e: 30_000, by_class: { chat: { ttft: 250, tpot: 100 } } });
    assert.deepEqual(resolveSlo('a:b:itl.p99=50ms').limits, { by_class: { 'a:b': { 'itl.p99': 50 } } });
  });

  it('that is wrong says which part', () => {
    for (const [text, what] of [
      ['chat:ttft=1s;chat:tpot=1s', /class "chat" is given twice/],
      ['ttft=1s;*:tpot=1s', /without a class is given twice/],
      ['chat:ttft=1s;', /empty part/],
      [':ttft=1s', /no class before the colon/],
      ['chat:itl.p42=1s', /"itl.p42=1s" is not a limit/],
      ['chat:itl=1s', /is not a limit/],
    ] as const)
      assert.throws(() => resolveSlo(text), what, text);
  });

  it('names the classes of a trace that has not the one it limits', () => {
    const slo = parseSlo('chat:ttft=1s');
    checkClasses(slo, ['chat', null]);
    assert.throws(
      () => checkClasses(slo, ['code', 'batch', null]),
      /"chat"; the trace has code, batch, and requests without/,
    );
    assert.throws(() => checkClasses(slo, [null]), /no classes/);
    assert.throws(() => checkAllJudged(slo, ['chat', 'code']), /no limits for requests of class "code"/);
    checkAllJudged(parseSlo('chat:ttft=1s;e2e=1s'), ['chat', 'code', null]);
  });

  it('has in common what every part has alike, and is scaled in all of them', () => {
    const slo = parseSlo('chat:ttft=1s,tpot=50ms;ttft=1s,e2e=9s');
    assert.deepEqual(commonLimits(slo), { ttft: 1000 });
    assert.deepEqual(commonLimits(parseSlo('ttft=1s,tpot=2s')), { ttft: 1000, tpot: 2000 });
    assert.deepEqual(
      mapLimits(slo, (ms) => 2 * ms),
      {
        ttft: 2000,
        e2e: 18_000,
        by_class: { chat: { ttft: 2000, tpot: 100 } },
      },
    );
  });
});
