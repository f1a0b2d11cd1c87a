import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateOn, judgeCompareGate } from '../../../src/compare/gates.ts';
import type { Levels } from '../../../src/compare/compare.ts';
import { compareGoodputs, goodputsOf } from '../../../src/search/nightly/goodput-figures.ts';
import type { ComparedMetric, Comparison, GoodputName } from '../../../src/schema/comparison.ts';
import type { GoodputAnswer } from '../../../src/schema/goodput.ts';
import type { Manifest } from '../../../src/schema/manifest.ts';
import { exampleGoodput } from '../../reports/example-goodput.ts';
import { exampleManifest } from '../../reports/example-run.ts';

const NAMES: readonly GoodputName[] = ['goodput', 'goodput.at0.99'];

const bracket = (low: number | null, high: number | null, state: GoodputAnswer['state'] = 'bracketed') => ({
  goodput_rps: low,
  bracket_rps: [low, high] as const,
  state,
});
const interval = (rps: number, half: number, state: GoodputAnswer['state'] = 'found') => ({
  goodput_rps: rps,
  bracket_rps: [rps / 2, rps * 2] as const,
  ci95_rps: [rps * (1 - half), rps * (1 + half)] as const,
  state,
});
const ofTrace = (...answers: readonly Partial<GoodputAnswer>[]) => exampleGoodput('trace', [], answers);
const ofTraffic = (...answers: readonly Partial<GoodputAnswer>[]) => exampleGoodput('traffic', [], answers);

describe('the goodputs of a search as figures of a night', () => {
  it('are what met, and what they are known to, by the names of their shares', () => {
    const { figures, reasons } = goodputsOf(ofTrace(bracket(10, 10.5), { ...bracket(6, 6.3), at: 0.99 }), NAMES);
    assert.deepEqual(reasons, []);
    assert.deepEqual(
      [...figures].map(([name, { value, range }]) => [name, value, ...range]),
      [
        ['goodput', 10, 10, 10.5],
        ['goodput.at0.99', 6, 6, 6.3],
      ],
    );
    const traffic = goodputsOf(ofTraffic(interval(20, 0.05)), NAMES).figures.get('goodput');
    assert.deepEqual([traffic?.value, ...(traffic?.range ?? [])], [20, 19, 21]);
  });

  it('are zero where every rate missed', () => {
    for (const report of [ofTrace(bracket(null, 0.5, 'below')), ofTraffic(bracket(null, 0.5, 'below'))]) {
      const { figures, reasons } = goodputsOf(report, NAMES);
      assert.deepEqual([figures.get('goodput')?.value, figures.get('goodput')?.range, reasons], [0, [0, 0.5], []]);
    }
  });

  it('say why they are not known, or not believed', () => {
    const why = (report: ReturnType<typeof ofTrace>): string => goodputsOf(report, NAMES).reasons.join('; ');
    assert.match(why(ofTrace(bracket(10, 10.5, 'not_valid'))), /^the client fell behind/);
    assert.match(
      why(ofTrace(bracket(64, null, 'above'))),
      /^the SLO was still met at .* 64\.0 requests\/s; give a tighter/,
    );
    for (const [low, high] of [
      [null, null],
      [10, null],
      [null, 10],
    ] as const)
      assert.match(
        why(ofTrace(bracket(low, high, 'budget'))),
        /^the budget ended before the goodput at 0\.9 was found/,
      );
    assert.match(why(ofTraffic(bracket(10, 20, 'budget'))), /^the budget ended before/);
    // An interval whose ends are ten times apart says nothing.
    assert.match(why(ofTraffic(interval(20, 0.9, 'budget'))), /^the budget ended before/);
    // What the budget left coarse is known all the same, as coarse as it is.
    assert.equal(why(ofTrace(bracket(10, 20, 'budget'))), '');
    assert.equal(why(ofTrace(bracket(10, 10.5), bracket(5, null, 'budget'))).split('; ').length, 2);
  });
});

const NOISELESS: Partial<Manifest> = { clock: 'virtual' };
const asked = (manifest: Partial<Manifest> = NOISELESS): Manifest =>
  exampleManifest([], { requests: 0, slo: 'ttft=500ms', manifest });

function compared(
  base: ReturnType<typeof ofTrace>,
  now: ReturnType<typeof ofTrace>,
  { manifest = NOISELESS, levels = null }: { manifest?: Partial<Manifest>; levels?: Levels | null } = {},
): Comparison {
  const side = (name: string, report: ReturnType<typeof ofTrace>) => ({
    name,
    dir: `runs/${name}`,
    asked: asked(manifest),
    ...goodputsOf(report, NAMES),
  });
  return compareGoodputs(side('before', base), side('after', now), { margin: 0.02, levels });
}
const verdicts = ({ metrics }: Comparison): ComparedMetric['verdict'][] => metrics.map(({ verdict }) => verdict);
const percent = (share: number): string => (100 * share).toFixed(2).replace('-0.00', '0.00');

/** Steps of 1 % from 10 requests/s on. */
const step = (number: number) => bracket(10 * 1.01 ** number, 10 * 1.01 ** (number + 1));

describe('the goodputs of two nights', () => {
  it('in virtual time without noise are compared exactly, but for the steps of the search', () => {
    const changes = [0, -1, -2, -3, 3].map((number) => compared(ofTrace(step(0)), ofTrace(step(number))));
    assert.deepEqual(changes.flatMap(verdicts), ['same', 'undecided', 'undecided', 'worse', 'better']);
    assert.deepEqual(
      changes.map(({ metrics }) => metrics[0]?.ci95?.map(percent).join(' to ')),
      ['-0.99 to 1.00', '-1.97 to 0.00', '-2.94 to -0.99', '-3.90 to -1.97', '2.01 to 4.06'],
    );
    assert.ok(changes.every(({ order, provisional }) => order === 'exact' && !provisional));
    // More nights do not make steps finer.
    assert.equal(changes[1]?.metrics[0]?.repeats_to_decide, null);
  });

  it('are known no better than the coarser search', () => {
    const [narrow, wide] = [ofTrace(step(0)), ofTrace(bracket(10, 11))];
    assert.deepEqual(verdicts(compared(narrow, wide)), ['undecided']);
    assert.deepEqual(verdicts(compared(wide, narrow)), ['undecided']);
  });

  it('of traffic are the same where nothing changed, and known to what two systems differ by chance', () => {
    const by = (rps: number) => compared(ofTraffic(interval(20, 0.05)), ofTraffic(interval(rps, 0.05)));
    assert.deepEqual([20, 19.4, 18.9].map(by).flatMap(verdicts), ['same', 'undecided', 'worse']);
  });

  it('are provisional until nights tell how they spread, then judged by the level', () => {
    const manifest: Partial<Manifest> = { clock: 'real' };
    const [base, now] = [ofTrace(step(0)), ofTrace(step(-6))];
    assert.deepEqual(verdicts(compared(base, now, { manifest })), ['provisional']);
    const level = { lnCentre: Math.log(10.1), nights: 20, lnSd: 0.01, df: 19 };
    const judged = compared(base, now, { manifest, levels: { goodput: level } });
    assert.deepEqual([judged.order, ...verdicts(judged)], ['nights', 'worse']);
    assert.ok(Math.abs((judged.metrics[0]?.base ?? 0) - 10.1) < 1e-9);
    // All nights in one step: they do not spread, and still the step is not known any better.
    const still = compared(base, ofTrace(step(-1)), {
      manifest,
      levels: { goodput: { ...level, lnCentre: Math.log(10), lnSd: 0 } },
    });
    assert.deepEqual(verdicts(still), ['undecided']);
  });

  it('are worse or better outright where one is zero', () => {
    const none = ofTrace(bracket(null, 0.1, 'below'));
    assert.deepEqual(verdicts(compared(ofTrace(step(0)), none)), ['worse']);
    assert.deepEqual(verdicts(compared(none, ofTrace(step(0)))), ['better']);
    assert.deepEqual(verdicts(compared(none, none)), ['undecided']);
  });

  it('are gated by their names', () => {
    const comparison = compared(
      ofTrace(step(0), { ...step(0), at: 0.99 }),
      ofTrace(step(-10), { ...step(0), at: 0.99 }),
    );
    const judge = (gate: string): string => judgeCompareGate(gateOn(NAMES, gate), comparison).verdict;
    assert.deepEqual(
      ['default', 'goodput>=-5%', 'goodput>=-20%', 'goodput>=-9.5%', 'goodput.at0.99>=-1.5%'].map(judge),
      ['missed', 'missed', 'held', 'undecided', 'held'],
    );
    assert.throws(() => gateOn(NAMES, 'goodput<=5%'), /more of goodput is better, so that it is gated by >=/);
    assert.throws(() => gateOn(NAMES, 'goodput>=4rps'), /is no condition on a change; write e\.g\. goodput>=-2%, or/);
    assert.throws(() => gateOn(NAMES, 'ttft.p90<=5%'), /"ttft\.p90" is not judged here; known: goodput, goodput\.at0/);
  });

  it('are refused where the load, or the SLO, is another', () => {
    const one = { name: 'a', dir: 'runs/a', asked: asked(), ...goodputsOf(ofTrace(step(0)), NAMES) };
    const other = { ...one, dir: 'runs/b', asked: asked({ ...NOISELESS, timeout_s: 7 }) };
    assert.throws(
      () => compareGoodputs(one, other, { margin: 0.02, levels: null }),
      /^UserError: runs\/a and runs\/b cannot be compared: they differ in --timeout$/,
    );
  });
});
