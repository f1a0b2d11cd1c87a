import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { requestAnchor, writeComparisonHtml, writeHtmlReport } from '../../reports/index.ts';
import type { ComparisonData } from '../../reports/data/comparison-data.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { changedRecords } from '../../src/compare/most-changed.ts';
import { pageData } from '../../src/compare/page-data.ts';
import { launchBrowser, openPage } from '../browser.ts';
import { temporaryFolder } from '../cli.ts';
import { exampleSide, type ExampleLoadedRun, type ExampleSide } from '../compare/example-sides.ts';
import { inBatches } from './example-run.ts';
import { cutOff } from './page-checks.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

const headings = (page: string): string[] =>
  [...page.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading = '']) => heading);

interface Shown {
  readonly names?: readonly [string, string];
  /** Of the requests that changed most, those that the report of base shows. */
  readonly inReport?: (ids: readonly string[]) => readonly string[];
}

async function pageOf(base: ExampleSide, now: ExampleSide, shown: Shown = {}): Promise<string> {
  return pageOfRuns(await exampleSide('base', base), await exampleSide('new', now), shown);
}

/** Base has reports, new has none. */
async function pageOfRuns(
  base: readonly ExampleLoadedRun[],
  now: readonly ExampleLoadedRun[],
  { names = ['a', 'b'], inReport = () => [] }: Shown = {},
): Promise<string> {
  const comparison = compareRuns(base, now, { margin: 0.02, names });
  const ids = comparison.most_changed.map(({ request_id }) => request_id);
  const ofFirst = (runs: readonly ExampleLoadedRun[]): ReturnType<typeof inBatches> =>
    inBatches(runs[0]?.records ?? []);
  const firstRun = (
    runs: readonly ExampleLoadedRun[],
    in_report: readonly string[],
  ): ComparisonData['first_runs']['base'] => ({
    id_prefix: null,
    starts: runs[0]?.manifest.imported?.starts ?? null,
    in_report: new Set(in_report),
  });
  return writeComparisonHtml(comparison, {
    ...pageData(comparison, base, now),
    most_changed: await changedRecords(ids, ofFirst(base), ofFirst(now)),
    first_runs: { base: firstRun(base, inReport(ids)), new: firstRun(now, []) },
    reports: { base: base.map(({ dir }) => `${dir}/report.html`), new: now.map(() => null) },
  });
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
    'Over time',
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

/** The table of the two records of a request, a line a row. */
function recordsOf(page: string, id: string): string[] {
  const [, details = ''] = page.split(`<details id="${requestAnchor(id)}"`);
  const [table = ''] = details.split('</details>');
  return table.split('</tr>').map((row) => textOf(`<${row}`).trim());
}

it('has the two records of each request that changed most, each request once, what neither has left out', async () => {
  const page = await pageOf(TWO, FAILING);
  const links = [...page.matchAll(/<td class="left "><a href="#(request-[^"]+)"/g)].map(([, id = '']) => id);
  assert.equal(links.length, 10);
  for (const id of links) assert.equal(page.split(` id="${id}"`).length, 2, `${id} leads to one place`);
  const rows = recordsOf(page, 'r0');
  const row = (name: string): string | undefined => rows.find((each) => each.startsWith(name));
  assert.match(row('outcome') ?? '', /^outcome ok rejected \(HTTP 429\)$/);
  assert.match(row('SLO') ?? '', /^SLO (met|missed .*) missed TTFT and TPOT$/);
  assert.match(row('TTFT') ?? '', /^TTFT [\d.]+ ms -$/);
  assert.match(row('longest token gap') ?? '', /^longest token gap [\d.]+ ms -$/);
  assert.match(row('output tokens') ?? '', /^output tokens \d+ 0 of \d+$/);
  assert.equal(row('cached of these'), undefined);
});

it('leads to the record in a report only where the report has it', async () => {
  const page = await pageOf(TWO, { factors: [1.5, 1.5] }, { inReport: (ids) => ids.slice(2, 3) });
  const links = [...page.matchAll(/href="([^"#]+#[^"]*)"/g)].map(([, url = '']) => url);
  const [link = ''] = links;
  assert.equal(links.length, 1);
  assert.match(link, /^runs\/base\/1\/report\.html#request-r\d+$/);
  const [, id = ''] = link.split('#request-');
  const rows = recordsOf(page, id);
  assert.match(rows.find((row) => row.startsWith('TTFT')) ?? '', /^TTFT [\d.]+ m?s [\d.]+ m?s \+50\.\d %$/);
  assert.ok(rows.includes(`in the run&#39;s report ${id} of base -`), rows.join('\n'));
});

it('without times of the requests it says that it leaves out what is over time, and has no due time', async () => {
  const imported = { tool: 'x', version: null, file: 'x.json', sha256: '', run: 1, duration_s: 9, notes: [] };
  const unknown = { ...imported, starts: 'unknown' } as const;
  const page = await pageOf(
    { factors: [1], manifest: { imported: unknown } },
    { factors: [2], manifest: { imported: { ...unknown, sha256: 'b' } } },
  );
  assert.match(textOf(page), /Over time Left out: a result file does not say when its requests were sent\. Request by/);
  assert.doesNotMatch(textOf(page.slice(page.indexOf('id="most-changed"'), page.indexOf('id="runs"'))), /\bdue\b/);
  const sent = await pageOf(
    { factors: [1], manifest: { imported: { ...imported, starts: 'sent' } } },
    { factors: [2] },
  );
  assert.match(sent, /aria-label="TTFT of both sides by time of sending over/);
  const few = textOf(await pageOf({ factors: [1], requests: 3 }, { factors: [2], requests: 3 }));
  assert.match(few, /Left out: TTFT over time, TPOT over time and attainment over time: too few requests/);
});

it('in a browser a request opens its records, and they open the one in the report of the run, folded as it is', async () => {
  const folder = temporaryFolder();
  // Ids are strings of a trace.
  const odd = (id: string): string => `${id} "é#%<`;
  const named = async (name: string, factor: number): Promise<ExampleLoadedRun[]> =>
    (await exampleSide(name, { factors: [factor], requests: 15 })).map((run) => ({
      ...run,
      dir: '.',
      records: run.records.map((record) => ({ ...record, request_id: odd(record.request_id) })),
      requests: new Map([...run.requests].map(([id, request]) => [odd(id), request])),
    }));
  const [base, now] = [await named('base', 1), await named('new', 2)];
  const [run] = base;
  assert.ok(run !== undefined);
  const report = await writeHtmlReport(run.summary, run.manifest, inBatches(run.records));
  const ids = [...report.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, 'no id stands twice');
  const shown = (all: readonly string[]): readonly string[] =>
    all.filter((id) => report.includes(` id="${requestAnchor(id)}"`));
  writeFileSync(join(folder, 'report.html'), report);
  writeFileSync(join(folder, 'comparison.html'), await pageOfRuns(base, now, { inReport: shown }));
  const browser = await launchBrowser();
  try {
    const { page, errors } = await openPage(browser, pathToFileURL(join(folder, 'comparison.html')).href, {
      width: 700,
      colorScheme: 'dark',
    });
    await page.locator('#pairs svg').waitFor();
    assert.equal(
      await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
      0,
    );
    assert.deepEqual(await cutOff(page), []);
    const record = page.locator('#most-changed details[open]');
    const request = page.locator('#most-changed td a').first();
    const id = await request.innerText();
    await request.click();
    await record.waitFor();
    assert.match(await record.innerText(), /outcome\s+ok\s+ok/);
    await record.locator('a', { hasText: 'of base' }).click();
    const opened = page.locator('.records details[open]', { hasText: id }).first();
    await opened.waitFor();
    assert.match(page.url(), /report\.html#request-/);
    const box = await opened.boundingBox();
    assert.ok(box !== null && box.y >= 0 && box.y < 900, 'the record is to be seen');
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
});
