import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { chunkTimes, spreadTokens, tokensInChunks } from '../../src/results/token-times.ts';

const gapsOf = (times: Float64Array): number[] => Array.from(times.subarray(1), (time, i) => time - (times[i] ?? 0));
const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const anyGaps = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 30 });

it('the gaps of tokens are those of their chunks, and zero within a chunk, however tokens are dealt out', () => {
  fc.assert(
    fc.property(fc.nat(1e6), anyGaps, fc.nat(50), (firstUs, gaps, more) => {
      const timesUs = chunkTimes(firstUs, gaps);
      const tokens = timesUs.length + more;
      const placed = tokensInChunks({ timesUs, tokens, countedBy: 'usage', startsWithRole: false });
      assert.equal(placed.token_time_source, 'client');
      assert.equal(placed.token_times_us.length, tokens);
      assert.equal(placed.token_times_us[0], firstUs);
      assert.equal(placed.token_times_us.at(-1), timesUs.at(-1));
      assert.deepEqual(sorted(gapsOf(placed.token_times_us)), sorted([...gaps, ...Array(more).fill(0)]));
    }),
  );
});

it('fewer tokens than chunks: only the first and the last time stand', () => {
  fc.assert(
    fc.property(fc.nat(1e6), anyGaps, fc.nat(), (firstUs, gaps, some) => {
      const timesUs = chunkTimes(firstUs, [...gaps, 5000, 6000]);
      const tokens = 1 + (some % (timesUs.length - 1));
      const { token_times_us: times, token_time_source } = tokensInChunks({
        timesUs,
        tokens,
        countedBy: 'usage',
        startsWithRole: false,
      });
      assert.equal(times.length, tokens);
      assert.equal(times[0], firstUs);
      if (tokens > 1) assert.equal(times.at(-1), timesUs.at(-1));
      assert.equal(token_time_source, tokens > 2 ? 'spread' : 'client');
      assert.ok(gapsOf(times).every((gap) => gap >= 0));
    }),
  );
});

it('a role at the start and an empty chunk at the end are no tokens', () => {
  const chunks = { tokens: 3, countedBy: 'usage', startsWithRole: true } as const;
  const role = tokensInChunks({ ...chunks, timesUs: [100, 5000, 9000, 12_000] });
  assert.deepEqual([...role.token_times_us], [5000, 9000, 12_000]);
  const both = tokensInChunks({ ...chunks, timesUs: [100, 5000, 9000, 12_000, 12_100] });
  assert.deepEqual([...both.token_times_us], [5000, 9000, 12_000]);
  assert.equal(both.token_time_source, 'client');
});

it('tokens that nobody counted are one a chunk; none are none', () => {
  const chunks = { timesUs: [1, 2, 3], countedBy: 'usage', startsWithRole: false } as const;
  const uncounted = tokensInChunks({ ...chunks, tokens: null });
  assert.equal(uncounted.token_times_us.length, 3);
  assert.equal(uncounted.token_count_source, 'chunks');
  assert.equal(tokensInChunks({ ...chunks, tokens: 0 }).token_times_us.length, 0);
});

it('of two tokens the first and the last time are all; a last before the first is moved to it', () => {
  assert.equal(spreadTokens(10, 30, 2, 'usage').token_time_source, 'client');
  assert.deepEqual([...spreadTokens(10, 31, 4, 'usage').token_times_us], [10, 17, 24, 31]);
  assert.deepEqual([...spreadTokens(30, 10, 3, 'usage').token_times_us], [30, 30, 30]);
});
