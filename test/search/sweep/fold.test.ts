import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweepSchema } from '../../../src/schema/sweep.ts';
import { exampleSweep } from '../../reports/example-sweep.ts';

describe('what a sweep says', () => {
  const report = exampleSweep();

  it('is what its schema says', () => {
    sweepSchema.parse(JSON.parse(JSON.stringify(report)));
    assert.equal(report.points.length, 2 * 4 * 4);
  });

  it('is the goodput of each target at each scale, by the rates up to which it attains the goal', () => {
    const found = report.goodputs.map(({ target, slo_scale, state, bracket_rps }) => [
      target,
      slo_scale,
      state,
      ...bracket_rps,
    ]);
    assert.deepEqual(found, [
      ['first', 0.8, 'between', 4, 8],
      ['first', 1, 'between', 8, 16],
      ['first', 1.2, 'between', 8, 16],
      ['first', 1.5, 'between', 8, 16],
      ['second', 0.8, 'none', null, 1],
      ['second', 1, 'none', null, 1],
      ['second', 1.2, 'between', 2, 4],
      ['second', 1.5, 'all', 8, null],
    ]);
    for (const { goodput_rps, goodput_rps_per_gpu, bracket_rps, target } of report.goodputs) {
      if (goodput_rps === null) continue;
      assert.equal(goodput_rps_per_gpu, goodput_rps / (target === 'first' ? 2 : 1));
      assert.ok(goodput_rps >= (bracket_rps[0] ?? 0) && goodput_rps <= (bracket_rps[1] ?? Infinity));
    }
  });

  it('names the limit that most miss at the first rate that misses the goal', () => {
    const at1 = report.goodputs.filter(({ slo_scale }) => slo_scale === 1);
    assert.deepEqual(
      at1.map(({ binding }) => binding),
      ['tpot', 'ttft'],
    );
    assert.equal(report.goodputs.at(-1)?.binding, null);
  });

  it('is the smallest scale that each target meets at each rate', () => {
    const found = report.min_scales.map(({ target, rate_rps_per_gpu, state }) => [target, rate_rps_per_gpu, state]);
    assert.deepEqual(found, [
      ['first', 1, 'all'],
      ['first', 2, 'all'],
      ['first', 4, 'between'],
      ['first', 8, 'none'],
      ['second', 1, 'between'],
      ['second', 2, 'between'],
      ['second', 4, 'between'],
      ['second', 8, 'between'],
    ]);
  });

  it('has a change of places between the scales at which one attains the goal at a rate and the other does not', () => {
    // Per GPU: at 1.2 the first 4, the second 2; at 1.5 the first 4, the second 8 and more.
    assert.deepEqual(report.order_changes, [
      { ahead: 'first', beyond: 'second', to_scale: 1.2, from_scale: 1.5, per_gpu: true },
    ]);
  });

  it('has no change of places where the grid does not tell them apart', () => {
    const alike = exampleSweep([
      [0.9, 0.99, 1, 1],
      [0.9, 0.99, 1, 1],
      [0.5, 0.91, 0.93, 0.95],
      [0.1, 0.5, 0.89, 0.89],
    ]);
    assert.deepEqual(alike.order_changes, []);
  });
});
