import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { surfaceMs, surfaceThrough, type SurfacePoint } from '../../../src/engine/cost/surface.ts';
import { table } from '../../../src/engine/cost/table.ts';

const points = (...rows: readonly (readonly [sequences: number, tokens: number, ms: number])[]): SurfacePoint[] =>
  rows.map(([sequences, tokens, ms]) => ({ sequences, tokens, ms }));

const near = (ms: number, expected: number): void => assert.ok(Math.abs(ms / expected - 1) < 1e-12, `${ms}`);

describe('a surface', () => {
  const grid = surfaceThrough(points([1, 100, 10], [1, 200, 14], [1, 400, 30], [4, 100, 20], [4, 400, 50]));

  test('has lines between tokens and between sequences', () => {
    near(surfaceMs(grid, 150, 1), 12);
    near(surfaceMs(grid, 250, 4), 35);
    near(surfaceMs(grid, 250, 2), 18 + (35 - 18) / 3);
  });

  test('is flat below the smallest, and goes on by the last slope beyond the largest', () => {
    assert.equal(surfaceMs(grid, 1, 1), 10);
    near(surfaceMs(grid, 500, 1), 30 + 100 * (16 / 200));
    near(surfaceMs(grid, 400, 10), 50 + 6 * (20 / 3));
  });

  test('takes the last slope from half of the last point on, and never below zero', () => {
    const noisy = surfaceThrough(points([1, 100, 10], [1, 200, 14], [1, 390, 60], [1, 400, 30]));
    near(surfaceMs(noisy, 500, 1), 30 + 100 * (16 / 200));
    const falling = surfaceThrough(points([1, 100, 10], [1, 200, 8]));
    assert.equal(surfaceMs(falling, 1000, 1), 8);
  });

  test('of one length in many sequences has the shape of the richest curve', () => {
    const rays = surfaceThrough(points([1, 100, 10], [1, 200, 14], [1, 400, 30], [4, 200, 21]));
    near(surfaceMs(rays, 100, 4), 15);
    near(surfaceMs(rays, 400, 4), 45);
    near(surfaceMs(rays, 500, 4), 45 + 1.5 * 100 * (16 / 200));
  });

  test('with no two points for the same sequences goes by tokens', () => {
    const ray = surfaceThrough(points([1, 100, 10], [2, 200, 14], [4, 400, 30]));
    near(surfaceMs(ray, 300, 1), 22);
    near(surfaceMs(ray, 800, 4), 30 + 400 * (16 / 200));
  });

  test('goes through every point, whatever was measured', () => {
    const point = fc.record({
      sequences: fc.integer({ min: 1, max: 6 }),
      tokens: fc.integer({ min: 1, max: 40 }),
      ms: fc.double({ min: 0.1, max: 1000, noNaN: true }),
    });
    const selector = ({ sequences, tokens }: SurfacePoint): string => `${sequences} ${tokens}`;
    fc.assert(
      fc.property(fc.uniqueArray(point, { selector, minLength: 1, maxLength: 30 }), (measured) => {
        const surface = surfaceThrough(measured);
        for (const { sequences, tokens, ms } of measured) near(surfaceMs(surface, tokens, sequences), ms);
        for (let tokens = 0; tokens < 100; tokens += 7)
          for (let sequences = 0; sequences < 10; sequences++) assert.ok(surfaceMs(surface, tokens, sequences) > 0);
      }),
    );
  });
});

test('on a share of the GPU a prefill goes by the curve of arithmetic, a decode by that of bandwidth', () => {
  const times = surfaceThrough(points([1, 100, 10], [1, 200, 20]));
  const prompt = new Batch();
  prompt.addChunk(150, 0, true);
  const decode = new Batch();
  decode.addDecode(150);
  const curve = {
    saturation: 1,
    decay: 0,
    form: 'reciprocal',
    bandwidthSaturation: 0.5,
    bandwidthExponent: 1,
  } as const;
  const cost = table(times, times, 1, curve);
  const timesUs = [prompt, decode].map((batch) => [1, 0.5, 0.25].map((share) => Math.round(cost.timeUs(batch, share))));
  assert.deepEqual(timesUs, [
    [15_000, 30_000, 60_000],
    [15_000, 15_000, 30_000],
  ]);
});

describe('a batch', () => {
  const prefill = surfaceThrough(points([1, 100, 10], [1, 200, 20], [1, 400, 60], [4, 400, 80]));
  const decode = surfaceThrough(points([1, 100, 5], [1, 1000, 7], [8, 800, 14]));
  const timeMs = (batch: Batch, penalty = 1): number => table(prefill, decode, penalty).timeUs(batch) / 1000;

  function chunks(...each: readonly (readonly [tokens: number, past: number])[]): Batch {
    const batch = new Batch();
    for (const [tokens, past] of each) batch.addChunk(tokens, past, true);
    return batch;
  }

  function decodes(count: number, context: number): Batch {
    const batch = new Batch();
    for (let i = 0; i < count; i++) batch.addDecode(context);
    return batch;
  }

  test('of prompts goes by their tokens and their number, of decodes by contexts and theirs', () => {
    near(timeMs(chunks([300, 0])), 40);
    near(timeMs(chunks([100, 0], [100, 0], [100, 0], [100, 0])), 80);
    near(timeMs(decodes(1, 550)), 6);
    near(timeMs(decodes(8, 100)), 14);
  });

  test('of both phases takes both times, and the penalty', () => {
    const mixed = chunks([300, 0]);
    mixed.addDecode(550);
    near(timeMs(mixed), 46);
    near(timeMs(mixed, 1.7), 1.7 * 46);
    near(timeMs(chunks([300, 0]), 1.7), 40);
  });

  test('of a chunk takes what the prompt takes more with it, and no less than a prompt of its length', () => {
    near(timeMs(chunks([200, 200])), 60 - 20);
    near(timeMs(chunks([100, 100])), 10);
    near(timeMs(chunks([50, 50])), 10);
  });

  test('by batch: the chunks of a prompt add up to it where time grows faster than length, and never to less', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }), (lengths) => {
        let past = 0;
        let sum = 0;
        for (const length of lengths) {
          sum += timeMs(chunks([length, past]));
          past += length;
        }
        assert.ok(sum >= timeMs(chunks([past, 0])) - 1e-9);
      }),
    );
    near(timeMs(chunks([200, 0])) + timeMs(chunks([200, 200])), timeMs(chunks([400, 0])));
  });
});
