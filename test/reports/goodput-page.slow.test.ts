import assert from 'node:assert/strict';
import { it } from 'node:test';
import { writeGoodputHtml, writeGoodputsHtml } from '../../reports/index.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { cutProbe, exampleGoodput, TRACE_GOODPUT, TRAFFIC_GOODPUT, trafficAt } from './example-goodput.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

const headings = (page: string): string[] =>
  [...page.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading = '']) => heading);

/** Of a search that found no rate: probes alone. */
function probesOnly(isMet: boolean): GoodputReport {
  const probes = [2, 4, 8].map((rate) => cutProbe('probe', rate, isMet));
  const answer = isMet
    ? ({ state: 'above', bracket_rps: [8, null] } as const)
    : ({ state: 'below', bracket_rps: [null, 2] } as const);
  return exampleGoodput('traffic', probes, [answer]);
}

it('the page of a trace links to each run that was kept', async () => {
  const page = await writeGoodputHtml(TRACE_GOODPUT);
  assert.deepEqual(headings(page), [
    'Attainment by load',
    'Latency and misses by load',
    'What was seen at which rate',
    'How it was found',
  ]);
  for (const { dir } of TRACE_GOODPUT.probes) assert.ok(page.includes(`<a href="${dir}/report.html">`), `${dir}`);
  const [first, ...others] = TRACE_GOODPUT.probes;
  assert.ok(first !== undefined);
  const gone = await writeGoodputHtml({ ...TRACE_GOODPUT, probes: [{ ...first, dir: null }, ...others] });
  assert.ok(!gone.includes(`href="${first.dir}/report.html"`));
  assert.ok(textOf(gone).includes('not kept'));
});

it('the page of traffic links to its run once, pools its segments, and has each behind a click', async () => {
  const page = await writeGoodputHtml(TRAFFIC_GOODPUT);
  assert.ok(headings(page).includes('The course of the search'));
  assert.equal(page.match(/<a href="traffic\/report\.html">/g)?.length, 1);
  assert.match(textOf(page), /show 27 probes and segments in order of time/);
});

it('where no segment was made there is no course, and the page says why there are no latencies', async () => {
  for (const isMet of [true, false]) {
    const page = await writeGoodputHtml(probesOnly(isMet));
    assert.deepEqual(headings(page), [
      'Attainment by load',
      'Latency and misses by load',
      'What was seen at which rate',
      'How it was found',
    ]);
    assert.match(textOf(page), /Latency against load is drawn of two rates or more whose requests all came; none did/);
  }
});

it('the page of several targets links to the page of each, beside the sign that it has in the charts', async () => {
  const targets = [trafficAt(9, 11), trafficAt(13, 15)].map((report, i) => ({
    name: `<b>t${i}</b>`,
    dir: `${i}-t`,
    report,
  }));
  const page = await writeGoodputsHtml(targets);
  const text = textOf(page);
  assert.match(text, /● A: &lt;b&gt;t0&lt;\/b&gt; .*■ B: &lt;b&gt;t1/);
  for (const { dir } of targets) assert.equal(page.split(`href="${dir}/goodput.html"`).length, 3);
  assert.match(text, /t1&lt;\/b&gt; carries at least 1\.18 times what/);
  // A name never goes into a drawing.
  assert.doesNotMatch(page.slice(page.indexOf('id="charts"'), page.indexOf('id="markdown"')), /t0/);
});

it('no page says null, NaN or undefined, and every chart has words and a table', async () => {
  const pages = [
    ...(await Promise.all(
      [TRACE_GOODPUT, TRAFFIC_GOODPUT, probesOnly(true), probesOnly(false), exampleGoodput('trace', [], [{}])].map(
        writeGoodputHtml,
      ),
    )),
    await writeGoodputsHtml([{ name: 'a', dir: 'a', report: TRACE_GOODPUT }]),
  ];
  for (const page of pages) {
    assert.doesNotMatch(textOf(page), /null|NaN|undefined|Infinity/);
    const figures = page.match(/<figure\b.*?<\/figure>/gs) ?? [];
    for (const figure of figures) {
      assert.match(figure, /aria-label="[^"]{30,}"/);
      assert.match(figure, /<tbody>\s*<tr>/);
    }
  }
});
