import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { goodputsSections } from '../../reports/charts/goodputs-sections.ts';
import { goodputsMarkdown, goodputsText } from '../../reports/index.ts';
import { goodputsVerdict, ratioOf, type TargetGoodput } from '../../reports/goodputs-verdict.ts';
import type { GoodputAnswer, GoodputReport } from '../../src/schema/goodput.ts';
import { exampleGoodput, TRACE_GOODPUT, trafficAt } from './example-goodput.ts';

const targets = (...reports: readonly GoodputReport[]): TargetGoodput[] =>
  reports.map((report, i) => ({ name: `t${i}`, dir: `${i}-t`, report }));

test('the one whose interval is above all others carries most, by at least the ratio of the ends', () => {
  const { sentence, notes } = goodputsVerdict(targets(trafficAt(9, 11), trafficAt(13, 15)));
  assert.match(sentence, /^t1 carries most, 14\.0 requests\/s \(13\.0 to 15\.0, 95 %\), with 90 % meeting TTFT/);
  assert.equal(notes[0], 't1 carries at least 1.18 times what t0 does: 1.18 to 1.67, by the intervals of both');
  assert.match(notes[1] ?? '', /^The same rows came to all/);
});

test('where intervals share a rate, neither carries more', () => {
  const { sentence, notes } = goodputsVerdict(targets(trafficAt(9, 11), trafficAt(10, 12)));
  assert.match(sentence, /^t0 carries .* and t1 carries .*: which carries most is not known$/);
  assert.match(notes[0] ?? '', /^t1 and t0 cannot be told apart: 0\.909 to 1\.33 times/);
});

test('a target that carries less', () => {
  const { notes } = goodputsVerdict(targets(trafficAt(18, 22), trafficAt(9, 11)));
  assert.match(notes[0] ?? '', /^t1 carries at most 0\.611 times what t0 does/);
});

test('brackets of a trace are as good as intervals', () => {
  const twice = (rate: number | null): number | null => (rate === null ? null : 2 * rate);
  const [low, high] = TRACE_GOODPUT.bracket_rps;
  const faster: GoodputReport = { ...TRACE_GOODPUT, goodput_rps: 20, bracket_rps: [twice(low), twice(high)] };
  const { notes } = goodputsVerdict(targets(TRACE_GOODPUT, faster));
  assert.equal(notes[0], 't1 carries at least 1.82 times what t0 does: 1.82 to 2.20, by the brackets of both');
  assert.match(notes[1] ?? '', /^The same trace came to all/);
});

test('of engines whose noise is one draw none carries most, and no ratio is known', () => {
  const noisy = (report: GoodputReport): GoodputReport => ({ ...report, target: { ...report.target, noisy: true } });
  const { sentence, notes } = goodputsVerdict(targets(trafficAt(9, 11), noisy(trafficAt(13, 15))));
  assert.match(sentence, /which carries most is not known$/);
  assert.match(notes[0] ?? '', /no ratio, an answer is of one draw of the engine's noise/);
  const ofTrace = goodputsVerdict(targets(TRACE_GOODPUT, noisy(TRACE_GOODPUT)));
  assert.doesNotMatch(ofTrace.notes.join(), /exact/);
});

test('no ratio where one is below, above, not valid, or was asked something else', () => {
  const known = trafficAt(9, 11);
  const answer = (each: Partial<GoodputAnswer>): GoodputReport => exampleGoodput('traffic', [], [each]);
  const others = [
    answer({ state: 'below', bracket_rps: [null, 1] }),
    answer({ state: 'above', bracket_rps: [500, null] }),
    answer({ state: 'budget', bracket_rps: [5, 10] }),
    { ...trafficAt(13, 15), state: 'not_valid' } satisfies GoodputReport,
    trafficAt(13, 15, { slo: { text: 'ttft=1s', limits_ms: { ttft: 1000 } } }),
    trafficAt(13, 15, { arrivals: 'trace' }),
    TRACE_GOODPUT,
  ];
  for (const other of others) {
    assert.equal(ratioOf(other, known), null);
    assert.equal(ratioOf(known, other), null);
    assert.match(goodputsVerdict(targets(known, other)).notes[0] ?? '', /: no ratio, /);
  }
  const { sentence } = goodputsVerdict(targets(known, answer({ state: 'below', bracket_rps: [null, 1] })));
  assert.match(sentence, /^t0 carries most/);
});

const share = fc.double({ min: 0, max: 1, noNaN: true });
const anyRange = fc.tuple(
  fc.double({ min: 0.1, max: 100, noNaN: true }),
  fc.double({ min: 1.001, max: 3, noNaN: true }),
);

test('a ratio holds every ratio of what the targets may carry, and turns over with them', () => {
  fc.assert(
    fc.property(anyRange, anyRange, share, share, (a, b, s, t) => {
      const [one, other] = [a, b].map(([low, times]) => [low, low * times] as const);
      assert.ok(one !== undefined && other !== undefined);
      const ratio = ratioOf(trafficAt(...one), trafficAt(...other));
      const back = ratioOf(trafficAt(...other), trafficAt(...one));
      assert.ok(ratio !== null && back !== null);
      const at = ([low, high]: readonly [number, number], part: number): number => low + part * (high - low);
      const real = at(one, s) / at(other, t);
      assert.ok(real >= ratio[0] * (1 - 1e-9) && real <= ratio[1] * (1 + 1e-9));
      assert.ok(Math.abs(back[0] * ratio[1] - 1) < 1e-9);
    }),
  );
});

const nothing: Partial<GoodputAnswer> = { state: 'budget' };

test('texts and charts of any targets say nothing that is not known', () => {
  const some = [
    trafficAt(9, 11),
    trafficAt(13, 15, { gpus: null }),
    TRACE_GOODPUT,
    exampleGoodput('traffic', [], [nothing]),
    exampleGoodput('traffic', [], [{ ...nothing, bracket_rps: [null, 3] }]),
    exampleGoodput('trace', [], [{ ...nothing, bracket_rps: [3, null], state: 'not_valid' }]),
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...some), { maxLength: 6 }), (reports) => {
      const all = targets(...reports);
      const charts = all.length === 0 ? [] : goodputsSections(all).flatMap((section) => section.charts);
      const texts = charts.flatMap(({ title, label, note, table }) => [title, label, note, ...table.rows.flat()]);
      for (const text of [goodputsText(all, { color: false }), goodputsMarkdown(all), ...texts])
        assert.doesNotMatch(text, /null|NaN|undefined|Infinity/);
    }),
  );
});
