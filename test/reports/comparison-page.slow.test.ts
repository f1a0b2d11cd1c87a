import assert from 'node:assert/strict';
import { it } from 'node:test';
import { writeComparisonHtml } from '../../reports/index.ts';
import type { ComparisonData } from '../../reports/data/comparison-data.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { pageData } from '../../src/compare/page-data.ts';
import { exampleSide, type ExampleSide } from '../compare/example-sides.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

const headings = (page: string): string[] =>
  [...page.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading = '']) => heading);

async function pageOf(
  base: ExampleSide,
  now: ExampleSide,
  { names = ['a', 'b'], reports }: { names?: readonly [string, string]; reports?: ComparisonData['reports'] } = {},
): Promise<string> {
  const [a, b] = [await exampleSide('base', base), await exampleSide('new', now)];
  const comparison = compareRuns(a, b, { margin: 0.02, names });
  const links = reports ?? { base: a.map(({ dir }) => `${dir}/report.html`), new: b.map(() => null) };
  return writeComparisonHtml(comparison, { ...pageData(comparison, a, b), reports: links });
}

const TWO: ExampleSide = { factors: [1, 1.01] };
const FAILING: ExampleSide = {
  factors: [1, 1.01],
  fate: (i) => (i % 3 === 0 ? { outcome: 'rejected', http_status: 429 } : null),
};

it('has the verdict first, a mark a metric, and links to the reports that there are', async () => {
  const page = await pageOf({ factors: [1, 1.001, 0.999] }, { factors: [1.1, 1.101, 1.099] });
  const text = textOf(page);
  assert.match(text, /▼ Worse: .*TTFT p50 \+10\.0 %/);
  assert.ok(text.indexOf('▼ Worse: ') < text.indexOf('What changed'));
  assert.match(text, /● base: a ■ new: b/);
  assert.deepEqual(headings(page), [
    'What changed',
    'How each metric changes',
    'Latencies of both',
    'Change by quantile',
    'Request by request',
    'Requests that changed most',
    'The runs',
    'How it was compared',
  ]);
  const links = [...page.matchAll(/href="([^"#][^"]*)"/g)].map(([, url]) => url);
  // The first is linked beside the requests that changed most as well.
  assert.deepEqual(
    links.toSorted(),
    [1, 1, 2, 3].map((run) => `runs/base/${run}/report.html`),
  );
});

it('no page says null, NaN or undefined, and every chart has words and a table', async () => {
  const all: readonly (readonly [ExampleSide, ExampleSide])[] = [
    [TWO, TWO],
    [TWO, FAILING],
    [{ factors: [1] }, { factors: [3] }],
    [
      { factors: [1], slo: null },
      { factors: [1], slo: null },
    ],
    [
      { factors: [1], fate: () => ({ outcome: 'timeout' }) },
      { factors: [1], fate: () => ({ outcome: 'timeout' }) },
    ],
    [
      { factors: [1], requests: 1 },
      { factors: [1], requests: 1 },
    ],
  ];
  for (const [base, now] of all) {
    const page = await pageOf(base, now);
    assert.doesNotMatch(textOf(page), /null|NaN|undefined|Infinity/);
    assert.ok(!/NaN|undefined/.test(page.slice(page.indexOf('id="charts"'), page.indexOf('id="markdown"'))));
    for (const figure of page.match(/<figure\b.*?<\/figure>/gs) ?? []) {
      assert.match(figure, /aria-label="[^"]{30,}"/);
      assert.match(figure, /<tbody>\s*<tr>/);
    }
  }
});

it('shows requests that failed, and says of which latencies it has no quantiles', async () => {
  const text = textOf(await pageOf(TWO, FAILING));
  assert.match(text, /20 requests failed in new alone, 0 in base alone/);
  const none = textOf(await pageOf(FAILING, { ...FAILING, fate: (i) => (i > 5 ? { outcome: 'timeout' } : null) }));
  assert.match(none, /Left out: TTFT, TPOT and E2E, of which most quantiles are of failed requests/);
});

it('a name never goes into a drawing, and is escaped', async () => {
  const page = await pageOf(TWO, TWO, { names: ['<b>evil-a</b>', 'evil-b'] });
  assert.match(textOf(page), /base: &lt;b&gt;evil-a/);
  assert.doesNotMatch(page.slice(page.indexOf('id="charts"'), page.indexOf('id="markdown"')), /evil/);
});
