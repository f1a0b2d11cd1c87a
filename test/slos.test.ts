import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSlo, SLO_PROFILES } from '../src/slos/index.ts';

test('a profile is found by its name, with its limits and its source', () => {
  const { text, limits, profile } = resolveSlo(' DistServe-OSDI-chat-opt-66b ');
  assert.deepEqual([text, limits], ['distserve-osdi-chat-opt-66b', { ttft: 2500, tpot: 150 }]);
  assert.match(profile?.source ?? '', /OSDI 2024/);
  // The paper and its artifact disagree here, and nowhere else.
  assert.deepEqual(resolveSlo('distserve-osdi-chat-opt-66b-artifact').limits, { ttft: 400, tpot: 100 });
  assert.deepEqual(resolveSlo('sarathi-relaxed-yi-34b').limits, { tpot: 1000 });
});

test('limits are read as limits', () => {
  assert.deepEqual(resolveSlo('ttft=200ms,tpot=50ms'), {
    text: 'ttft=200ms,tpot=50ms',
    limits: { ttft: 200, tpot: 50 },
  });
  assert.throws(() => resolveSlo('ttft=200'), /has no unit/);
});

test('a name that is not known is an error with the nearest, or all of them', () => {
  assert.throws(() => resolveSlo('sarathi-strict-yi-43b'), /did you mean "sarathi-strict-yi-34b"\?/);
  assert.throws(() => resolveSlo('fast'), /--slo: "fast" is neither limits.* known: distserve-osdi-chat-opt-13b,/);
});

test('names are unique and can be typed; every profile has limits and a source', () => {
  assert.equal(new Set(SLO_PROFILES.map(({ name }) => name)).size, SLO_PROFILES.length);
  for (const { name, limits, model, workload, source } of SLO_PROFILES) {
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
    const values = Object.values(limits);
    assert.ok(values.length > 0 && values.every((ms) => ms > 0), name);
    assert.ok(
      [model, workload, source].every((words) => words.length > 3),
      name,
    );
  }
});
