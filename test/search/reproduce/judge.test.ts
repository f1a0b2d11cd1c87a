import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Cell } from '../../../src/search/reproduce/cells.ts';
import { distanceOf } from '../../../src/search/reproduce/distances.ts';
import type { Check } from '../../../src/search/reproduce/experiment.ts';
import type { Figures } from '../../../src/search/reproduce/figures.ts';
import { judge } from '../../../src/search/reproduce/judge.ts';

/** A curve of a system: the figures at 1, 2, 3... */
function curve(series: string, figures: readonly Figures[], seed = 1): Cell[] {
  return figures.map((each, i) => ({ series, gamma: null, seed, x: i + 1, figures: each }));
}

const ttfts = (series: string, values: readonly number[], seed = 1): Cell[] =>
  curve(
    series,
    values.map((ttft_mean_s) => ({ ttft_mean_s })),
    seed,
  );
const shares = (series: string, values: readonly number[]): Cell[] =>
  curve(
    series,
    values.map((attainment) => ({ attainment })),
  );

const verdictOf = (check: Check, cells: readonly Cell[]): string => judge(check, cells, []).verdict;
const positive = fc.double({ min: 0.001, max: 1000, noNaN: true });
const CLAIM = { claim: '' };

describe('the shape of made-up points', () => {
  const order = { ...CLAIM, kind: 'order', figure: 'ttft_mean_s', systems: ['a', 'b'] } as const;

  it('an order holds where every point is in it, by its factor, and at no other', () => {
    const points = fc.array(fc.tuple(positive, positive), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(points, fc.constantFrom(1, 2, 5), (pairs, factor) => {
        const cells = [
          ...ttfts(
            'a',
            pairs.map(([a]) => a),
          ),
          ...ttfts(
            'b',
            pairs.map(([, b]) => b),
          ),
        ];
        const isOrdered = pairs.every(([a, b]) => b > a && b >= a * factor);
        assert.equal(verdictOf({ ...order, factor }, cells), isOrdered ? 'holds' : 'does-not-hold');
        // One seed in the other order is enough.
        const last = pairs.length;
        const odd = [
          ...ttfts(
            'a',
            Array.from({ length: last }, () => 2),
            2,
          ),
          ...ttfts(
            'b',
            Array.from({ length: last }, () => 1),
            2,
          ),
        ];
        assert.equal(verdictOf(order, [...cells, ...odd]), 'does-not-hold');
      }),
    );
  });

  it('an order looks at the places that it names alone, and says so where one of them is missing', () => {
    const cells = [...ttfts('a', [5, 1, 1]), ...ttfts('b', [1, 2, 2])];
    assert.equal(verdictOf({ ...order, at: [2, 3] }, cells), 'holds');
    assert.equal(verdictOf(order, cells), 'does-not-hold');
    assert.equal(verdictOf({ ...order, at: [4] }, cells), 'not-comparable');
    assert.equal(verdictOf({ ...order, systems: ['a', 'c'] }, cells), 'not-comparable');
    assert.match(judge(order, cells, []).seen, /^1 of 3 are otherwise: at 1: a 5\.00, b 1\.00$/);
  });

  it('a curve is monotone where no point lies further on the wrong side than the slack', () => {
    fc.assert(
      fc.property(
        fc.array(positive, { minLength: 2, maxLength: 8 }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (values, slack) => {
          const rises = {
            ...CLAIM,
            kind: 'monotone',
            figure: 'ttft_mean_s',
            systems: ['a'],
            direction: 'rises',
            slack,
          } as const;
          const worst = Math.min(...values.slice(1).map((value, i) => value - (values[i] ?? 0)));
          assert.equal(verdictOf(rises, ttfts('a', values)), worst >= -slack ? 'holds' : 'does-not-hold');
          const falling = values.toSorted((x, y) => y - x);
          assert.equal(verdictOf({ ...rises, direction: 'falls' }, ttfts('a', falling)), 'holds');
        },
      ),
    );
  });

  it('curves cross once, at the place and in the direction that is claimed', () => {
    const cross = {
      ...CLAIM,
      kind: 'crossing',
      figure: 'ttft_mean_s',
      first: 'a',
      second: 'b',
      within: [2, 4],
    } as const;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.boolean(), (turn, isFirstLower) => {
        // a is 1 on one side of the turn and 3 on the other, b is 2: they cross between turn and turn + 1.
        const a = Array.from({ length: 6 }, (_, i) => (i < turn === isFirstLower ? 1 : 3));
        const cells = [
          ...ttfts('a', a),
          ...ttfts(
            'b',
            a.map(() => 2),
          ),
        ];
        const isInside = turn + 1 > 2 && turn < 4;
        const holds = isFirstLower && turn > 0 && turn < 6 && isInside;
        assert.equal(verdictOf(cross, cells), holds ? 'holds' : 'does-not-hold', `${a}`);
      }),
    );
    const twice = [...ttfts('a', [1, 1, 3, 1, 3]), ...ttfts('b', [2, 2, 2, 2, 2])];
    assert.equal(verdictOf(cross, twice), 'does-not-hold');
    assert.equal(verdictOf(cross, ttfts('a', [1, 2])), 'not-comparable');
  });

  it('what binds is the limit that fewer meet where 90 % are first missed', () => {
    const met = { attainment: 1, attainment_ttft: 1, attainment_tpot: 1 };
    const cells = curve('a', [
      met,
      { attainment: 0.8, attainment_ttft: 0.95, attainment_tpot: 0.8 },
      { attainment: 0, attainment_ttft: 0, attainment_tpot: 0.5 },
    ]);
    const binds = { ...CLAIM, kind: 'binds', system: 'a' } as const;
    assert.equal(verdictOf({ ...binds, limit: 'tpot' }, cells), 'holds');
    assert.equal(verdictOf({ ...binds, limit: 'ttft' }, cells), 'does-not-hold');
    assert.equal(verdictOf({ ...binds, limit: 'ttft' }, curve('a', [met, met])), 'not-comparable');
  });

  it('one is ahead that attains 90 % up to a higher rate, at none or at all included', () => {
    const ahead = { ...CLAIM, kind: 'ahead', first: 'a', second: 'b' } as const;
    const curves = { none: [0.5, 0.4, 0.1], some: [1, 0.95, 0.2], more: [1, 1, 0.2], all: [1, 1, 1] };
    const names = Object.keys(curves);
    for (const [i, [first, high]] of Object.entries(curves).entries())
      for (const [j, low] of Object.values(curves).entries()) {
        const expected = i === j ? 'not-comparable' : i > j ? 'holds' : 'does-not-hold';
        assert.equal(
          verdictOf(ahead, [...shares('a', high), ...shares('b', low)]),
          expected,
          `${first} over ${names[j]}`,
        );
      }
  });

  it('near is within the tolerance of every published point, between is within the range at every place', () => {
    const near = { ...CLAIM, kind: 'near', figure: 'ttft_mean_s', system: 'a', tolerance: 0.25 } as const;
    const published = [
      {
        name: 'p',
        figure: 'ttft_mean_s',
        system: 'a',
        points: [
          { x: 1, y: 4 },
          { x: 2, y: 8 },
        ],
      },
    ] as const;
    const judged = (values: readonly number[]): string => judge(near, ttfts('a', values), published).verdict;
    assert.deepEqual(
      [
        [4, 8],
        [5, 6],
        [5.1, 8],
        [4, 5.9],
      ].map(judged),
      ['holds', 'holds', 'does-not-hold', 'does-not-hold'],
    );
    assert.equal(judge(near, ttfts('b', [4, 8]), published).verdict, 'not-comparable');
    const between = {
      ...CLAIM,
      kind: 'between',
      figure: 'ttft_mean_s',
      system: 'a',
      at: [2],
      range: [10, 100],
    } as const;
    assert.deepEqual(
      [
        [1, 10],
        [1, 100],
        [50, 101],
        [50, 9],
      ].map((values) => verdictOf(between, ttfts('a', values))),
      ['holds', 'holds', 'does-not-hold', 'does-not-hold'],
    );
  });

  it('a check without anything to judge says why', () => {
    assert.deepEqual(judge({ claim: '', kind: 'none', why: 'not stated' }, [], []), {
      verdict: 'not-comparable',
      seen: 'not stated',
    });
  });
});

describe('the distance to a published ratio', () => {
  const ratio = { what: '', of: 'a', to: 'b', figure: 'ttft_mean_s', at: null, published: [2, 3] } as const;

  it('is the range of ratios over all points and seeds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(positive, positive), { minLength: 1, maxLength: 5 }), (pairs) => {
        const cells = [
          ...ttfts(
            'a',
            pairs.map(([a]) => a),
          ),
          ...ttfts(
            'b',
            pairs.map(([, b]) => b),
          ),
        ];
        const ratios = pairs.map(([a, b]) => a / b);
        assert.deepEqual(distanceOf(ratio, cells, 1.8), {
          what: '',
          gamma: 1.8,
          published: [2, 3],
          ours: [Math.min(...ratios), Math.max(...ratios)],
          why: null,
        });
      }),
    );
  });

  it('of goodputs, and of the least scales, is not known where one of them lies beyond the axis', () => {
    const [low, high, none] = [shares('a', [1, 0.8, 0]), shares('b', [1, 1, 0.8]), shares('b', [0, 0, 0])];
    const known = distanceOf({ ...ratio, of: 'b', to: 'a', figure: 'goodput' }, [...low, ...high], null);
    assert.ok(known.ours !== null && known.ours[0] > 1.6 && known.ours[0] < 2, JSON.stringify(known));
    const unknown = distanceOf({ ...ratio, figure: 'goodput' }, [...low, ...none], null);
    assert.deepEqual([unknown.ours, unknown.why], [null, 'b attains 90 % nowhere on the axis']);
    const scales = distanceOf(
      { ...ratio, figure: 'least-scale' },
      [...shares('a', [0, 0.8, 1]), ...shares('b', [0.8, 1, 1])],
      null,
    );
    assert.ok(scales.ours !== null && scales.ours[0] > 1.6 && scales.ours[0] < 2, JSON.stringify(scales));
  });
});
