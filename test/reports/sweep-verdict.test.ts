import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweepMarkdown, sweepText } from '../../reports/index.ts';
import { sweepVerdict } from '../../reports/sweep-verdict.ts';
import { exampleSweep } from './example-sweep.ts';

describe('a sweep in words', () => {
  it('says up to where each target meets the SLO, and of one that does at no rate just that, without a ratio', () => {
    const { sentence, notes } = sweepVerdict(exampleSweep());
    assert.match(
      sentence,
      /^90 % meet TTFT <= 250 ms and TPOT <= 100 ms on first up to about 4\.\d\d requests\/s per GPU \(interpolated: 4\.00 met, 8\.00 missed; 95 % interval 3\.\d\d-4\.\d\d\); on second at no rate that was tried, from 1\.00 requests\/s per GPU on$/,
    );
    assert.ok(notes.includes('first carries more per GPU up to SLO scale 1.2, second from 1.5 on'));
    assert.ok(notes.every((note) => !note.includes('times as much')));
  });

  it('names what binds at the first rate that misses', () => {
    assert.match(
      sweepVerdict(exampleSweep()).notes.join('\n'),
      /What binds where the goal is first missed: TPOT on first \(at 8\.00 requests\/s per GPU 5\.0 % meet it\); TTFT on second \(at 1\.00 requests\/s per GPU 85\.0 % meet it\)/,
    );
  });

  it('has a ratio where both have an interval, and these are apart', () => {
    const fast = [0.99, 0.99, 0.99, 0.99];
    const both = exampleSweep([fast, [0.2, 0.5, 0.8, 0.9], [0, 0, 0, 0], [0, 0, 0, 0]]);
    assert.match(sweepVerdict(both).notes[0] ?? '', /^first carries [\d.]+ times as much per GPU as second$/);
    const near = exampleSweep([fast, fast, [0.5, 0.91, 0.92, 0.95], [0, 0.1, 0.5, 0.8]]);
    assert.ok(sweepVerdict(near).notes.every((note) => !note.includes('times as much')));
  });

  it('says so where the client fell behind', () => {
    const { points, min_scales, ...others } = exampleSweep();
    const runs = min_scales.map((run, i) => (i === 1 ? { ...run, valid: false } : run));
    const { tone, notes } = sweepVerdict({ ...others, points, min_scales: runs });
    assert.equal(tone, 'unsure');
    assert.match(
      notes[0] ?? '',
      /^Not valid in 1 run, in which the client fell behind: first at 2\.00 requests\/s per GPU$/,
    );
  });

  it('has the same figures in text and markdown', () => {
    const report = exampleSweep();
    const text = sweepText(report, { color: false });
    for (const cell of ['at no rate', 'at least 8.00', 'none', '0.800', '5.0 % (overloaded)']) {
      assert.ok(text.includes(cell), cell);
      assert.ok(sweepMarkdown(report).includes(cell), cell);
    }
  });
});
