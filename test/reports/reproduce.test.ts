import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reproduceSections } from '../../reports/charts/reproduce-sections.ts';
import { countsOf, countsText, reproduceVerdict } from '../../reports/reproduce-words.ts';
import { reproduceSchema, type ReproduceCheck } from '../../src/schema/reproduce.ts';
import { EXAMPLE_EXPERIMENT, EXAMPLE_GALLERY } from './example-reproduced.ts';

describe('published experiments in words', () => {
  it('a shape that does not hold decides the answer, and what cannot be compared does not', () => {
    reproduceSchema.parse(EXAMPLE_GALLERY);
    const { tone, sentence } = reproduceVerdict(EXAMPLE_GALLERY);
    assert.equal(tone, 'missed');
    assert.equal(sentence, '1 published experiment: 2 of 3 shapes hold, 1 does not; 1 is not comparable');
    const holding = EXAMPLE_EXPERIMENT.parts.slice(1);
    const others = { ...EXAMPLE_GALLERY, experiments: [{ ...EXAMPLE_EXPERIMENT, parts: holding }] };
    assert.deepEqual(reproduceVerdict(others), {
      tone: 'met',
      glyph: '✓',
      sentence: '1 published experiment: the one shape that could be judged holds',
    });
    assert.equal(reproduceVerdict({ ...EXAMPLE_GALLERY, experiments: [] }).tone, 'none');
  });

  it('counts agree with their nouns and verbs', () => {
    const checks = (verdict: ReproduceCheck['verdict'], count: number): ReproduceCheck[] =>
      Array.from({ length: count }, () => ({ claim: '', gamma: null, verdict, seen: '' }));
    const words = (holds: number, not: number, other: number): string =>
      countsText(
        countsOf([...checks('holds', holds), ...checks('does-not-hold', not), ...checks('not-comparable', other)]),
      );
    assert.equal(words(0, 0, 2), 'no shape could be judged; 2 are not comparable');
    assert.equal(words(3, 0, 0), 'all 3 shapes that could be judged hold');
    assert.equal(words(1, 2, 1), '1 of 3 shapes holds, 2 do not; 1 is not comparable');
  });

  it('every chart has an id of its own, and says its penalty', () => {
    const charts = reproduceSections(EXAMPLE_EXPERIMENT).flatMap((section) => section.charts);
    assert.equal(charts.length, 5);
    assert.equal(new Set(charts.map(({ id }) => id)).size, charts.length);
    assert.deepEqual(
      charts.slice(0, 2).map(({ title }) => title),
      ['Mean TTFT, gamma 1', 'Mean TTFT, gamma 1.8'],
    );
    for (const { id } of charts) assert.match(id, /^[a-z0-9-]+$/);
  });
});
