import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trendSections } from '../../reports/charts/trend-chart.ts';
import { writeTrendHtml } from '../../reports/html/write-trend-html.ts';
import { trendMarkdown } from '../../reports/markdown/trend.ts';
import { trendVerdict } from '../../reports/trend-words.ts';
import type { Night } from '../../src/schema/history.ts';
import { trendOf } from '../../src/trend/trend.ts';
import { exampleNights, type ExampleNights } from '../trend/example-nights.ts';

const FIRST = '20260901T020000Z';
const verdict = (nights: ExampleNights, accepted = FIRST) => trendVerdict(trendOf(exampleNights(nights), accepted));

describe('the answer of a trend', () => {
  it('says what got worse, by how much, and between which nights', () => {
    const { tone, sentence, notes } = verdict({ nights: 40, slowerFrom: 30 });
    assert.equal(tone, 'missed');
    assert.match(
      sentence,
      /^(TPOT|E2E) p50 got [45]\.\d % worse between night 29 \(abc124d\) and night 30 \(abc124e\); so did (TPOT|E2E) p50 \([45]\.\d %\)$/,
    );
    assert.ok(notes.includes('40 nights; accepted baseline: night 1 (abc1231), 2026-09-01'), notes.join('\n'));
  });
  it('leaves out a night between that is not valid', () => {
    assert.match(verdict({ nights: 40, slowerFrom: 30, invalid: [30] }).sentence, /between night 29 .* and night 31 /);
  });
  it('says what got better', () => {
    const { tone, sentence } = verdict({ nights: 40, slowerFrom: 30, by: -0.05 });
    assert.equal(tone, 'met');
    assert.match(sentence, /got [45]\.\d % better/);
  });
  it('says that nothing changed, or that there are too few nights', () => {
    assert.deepEqual(
      [verdict({ nights: 40 }).tone, verdict({ nights: 40 }).sentence],
      ['none', 'No change in 40 nights'],
    );
    const early = verdict({ nights: 7, invalid: [3] });
    assert.equal(early.tone, 'unsure');
    assert.equal(early.sentence, 'Too few nights to see a change: 6 valid of the 20 that a level needs');
  });
  it('takes a change that was accepted as done with', () => {
    const { sentence } = verdict({ nights: 40, slowerFrom: 25 }, '20261001T020000Z');
    assert.equal(sentence, 'No change in the 9 nights since night 31 was accepted');
  });
  it('says that there is no night since the accepted one', () => {
    assert.equal(verdict({ nights: 25 }, '20260925T020000Z').sentence, 'No change: the last night is accepted');
  });
  it('says of a failed quantile that it became infinite', () => {
    const failed = { value: null, change: null, verdict: null };
    const nights = { nights: 30, over: (night: number) => (night > 24 ? { 'ttft.p50': failed } : {}) } as const;
    assert.match(verdict(nights).sentence, /^TTFT p50 became infinite \(requests failed\) between night 24 /);
  });
});

it('the markdown is a table of the metrics, the changes and the last nights, for a step summary', () => {
  const nights = exampleNights({ nights: 400, slowerFrom: 380, invalid: [399] });
  const [first, ...others] = nights;
  const text = trendMarkdown(trendOf([{ ...(first ?? assert.fail()), commit: 'a|b<c>' }, ...others], FIRST));
  const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
  assert.deepEqual(
    tables.map((table) => table.trim().split('\n').length),
    [7, 2 + 2, 2 + 14],
  );
  for (const table of tables)
    for (const line of table.trim().split('\n'))
      assert.equal(line.replaceAll('\\|', '').split('|').length, table.split('\n')[0]?.split('|').length);
  assert.match(text, /^\*\*▼ /);
  assert.match(text, /\| 399 \| .* \| not valid \| - \|/);
  assert.match(text, /night 1 \(a\\\|b\\<c\\>\)/);
  assert.ok(text.length < 10_000);
});

it('the page is one file that links each night to its run', async () => {
  const html = await writeTrendHtml(
    trendOf(exampleNights({ nights: 40, slowerFrom: 30, odd: [12], invalid: [9] }), FIRST),
    ({ dir }) => (dir.includes('202609') ? `${dir}/report.html` : null),
  );
  assert.ok(/<h1>.*got [45]\.\d % worse/.test(html));
  assert.ok(html.includes('<a href="runs/20260930T020000Z/report.html">'));
  assert.ok(html.includes('20261001T020000Z') && !html.includes('<a href="runs/20261001T020000Z'));
  assert.ok(!/NaN|undefined/.test(html.slice(html.indexOf('<main>'), html.indexOf('<script>'))));
  assert.ok(html.length < 2e6);
});

it('a page of one night, and of none, can be written', async () => {
  assert.ok(
    (await writeTrendHtml(trendOf(exampleNights({ nights: 1 }), FIRST), () => null)).includes('Too few nights'),
  );
  assert.ok((await writeTrendHtml(trendOf([], null), () => null)).includes('Too few nights'));
});

/** Nights of a goodput, known to a step of 2 %. */
function goodputNights(nights: number): Night[] {
  return exampleNights({ nights }).map((night, i) => ({
    ...night,
    measured: { kind: 'goodput', of: 'trace', arrivals: 'trace', at: [0.9, 0.99] },
    metrics: {
      goodput: { value: i === 5 ? 0 : 15, range: i === 5 ? [0, 0.1] : [15, 15.3], change: 0, verdict: 'same' },
      'goodput.at0.99': { value: i < 23 ? 9 : 8, range: i < 23 ? [9, 9.2] : [8, 8.2], change: null, verdict: null },
    },
  }));
}

it('a trend of goodputs has a panel a share, with what each is known to, and links to the searches', async () => {
  const trend = trendOf(goodputNights(30), FIRST);
  assert.equal(
    trendVerdict(trend).sentence,
    'Goodput at 99 % got 11.1 % worse between night 23 (abc1247) and night 24 (abc1248)',
  );
  const html = await writeTrendHtml(trend, ({ dir }) => `${dir}/goodput.html`);
  assert.ok(html.includes('<a href="runs/20260930T020000Z/goodput.html">'));
  assert.ok(html.includes('the goodput of this trace at 90 % and 99 %'));
  assert.ok(html.includes('15.0 requests/s (15.0 to 15.3)') && html.includes('none (0 to 0.100)'));
  assert.ok(html.includes('a bracket or a 95 % interval'));
  assert.ok(!/NaN|undefined/.test(html.slice(html.indexOf('<main>'), html.indexOf('<script>'))));
  const [section] = trendSections(trend);
  assert.deepEqual(
    section?.charts.map(({ id }) => id),
    ['trend-goodput', 'trend-goodput-at0-99'],
  );
});

it('nights without a figure, as when a search was interrupted, have no panel and no empty table', async () => {
  const nights = exampleNights({ nights: 1, invalid: [1] }).map((night) => ({ ...night, metrics: {} }));
  const trend = trendOf(nights, null);
  assert.deepEqual(trendSections(trend), []);
  assert.equal(
    trendMarkdown(trend)
      .split('\n')
      .filter((line) => line.startsWith('| --- ')).length,
    1,
  );
  assert.ok(!(await writeTrendHtml(trend, () => null)).includes('The last night, and the level'));
});
