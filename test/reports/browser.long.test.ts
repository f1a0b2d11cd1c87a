import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { writeHtmlReport, writeSweepHtml } from '../../reports/index.ts';
import { launchBrowser, openPage } from '../browser.ts';
import { exampleScrapes } from './example-scrapes.ts';
import { exampleRun, inBatches } from './example-run.ts';
import { exampleSweep } from './example-sweep.ts';

const CHARTS = [
  'slo-plane',
  'misses-far',
  'misses-length',
  'misses-time',
  'slowest',
  'sample',
  'ttft-ecdf',
  'tpot-ecdf',
  'itl-ecdf',
  'e2e-ecdf',
  'ttft-over-time',
  'tpot-over-time',
  'load',
  'in-flight',
  'tokens',
  'attainment',
  'lateness',
];

describe('the report in a browser', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reprise-report-'));
  const url = pathToFileURL(join(dir, 'report.html')).href;
  let browser: Browser;

  before(async () => {
    const { summary, manifest, records } = await exampleRun({
      requests: 300,
      slo: 'ttft=200ms,tpot=12ms',
      scrapes: exampleScrapes,
      fate: (index) =>
        index % 60 === 7 ? { outcome: 'http_error', http_status: 500, error: '<img src=x onerror=alert(1)>' } : null,
    });
    const longName = { ...manifest, target: { ...manifest.target, model: 'long-name'.repeat(20) } };
    writeFileSync(
      join(dir, 'report.html'),
      await writeHtmlReport(summary, longName, inBatches(records), exampleScrapes(records)),
    );
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    rmSync(dir, { recursive: true });
  });

  it('no line runs through words where most requests fail', async () => {
    const failing = await exampleRun({
      requests: 200,
      slo: 'ttft=200ms,tpot=12ms',
      fate: (index) => (index % 5 < 3 ? { outcome: 'timeout' } : null),
    });
    const place = pathToFileURL(join(dir, 'failing.html'));
    writeFileSync(place, await writeHtmlReport(failing.summary, failing.manifest, inBatches(failing.records)));
    for (const width of [1280, 390]) {
      const { page, errors } = await openPage(browser, place.href, { width, colorScheme: 'light' });
      await page.locator('#lateness svg').waitFor();
      assert.deepEqual(await struckThrough(page), []);
      assert.deepEqual(await cutOff(page), []);
      assert.deepEqual(errors, []);
      await page.context().close();
    }
  });

  for (const width of [1280, 390])
    for (const colorScheme of ['light', 'dark'] as const)
      it(`draws every chart at ${width} pixels, ${colorScheme}, and asks for nothing`, async () => {
        const { page, errors, requests } = await openPage(browser, url, { width, colorScheme });
        for (const id of CHARTS) {
          const plot = page.locator(`#${id} .plot`);
          await plot.locator('svg').waitFor();
          assert.ok(
            (await plot.locator('svg .mark-line path, svg .mark-area path, svg .mark-rect path').count()) > 0,
            `${id} has no curve`,
          );
          assert.equal(await plot.getAttribute('role'), 'img');
          assert.match((await plot.getAttribute('aria-label')) ?? '', /\d.{20}/, `${id} has no label of its own`);
          const [plotBox, svgBox] = [await plot.boundingBox(), await plot.locator('svg').boundingBox()];
          assert.ok((svgBox?.width ?? Infinity) <= (plotBox?.width ?? 0) + 1, `${id} is wider than its place`);
          assert.ok((svgBox?.width ?? 0) > 0.9 * (plotBox?.width ?? 0), `${id} does not fill its place`);
        }
        for (const id of ['ttft-ecdf', 'tpot-ecdf'])
          assert.equal(await page.locator(`#${id} svg line[stroke-dasharray]`).count(), 1, `${id}: the SLO`);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0, 'the page scrolls sideways');
        assert.deepEqual(await cutOff(page), [], 'text reaches beyond its chart');
        assert.deepEqual(await struckThrough(page), [], 'lines run through words');
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(paper, colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 27)');
        assert.deepEqual(errors, []);
        assert.deepEqual(requests, [url]);
        await page.context().close();
      });

  it('is printed on white, without tables and buttons, its charts drawn for the width of the paper', async () => {
    const { page, errors } = await openPage(browser, url, { width: 1280, colorScheme: 'dark' });
    await page.locator('#attainment svg').waitFor();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    await page.waitForFunction(() => (document.querySelector('#attainment .plot svg')?.clientWidth ?? 1000) <= 700);
    for (const id of CHARTS) {
      const [drawn, shown] = await page
        .locator(`#${id} .plot svg`)
        .evaluate((svg) => [Number(svg.getAttribute('width')), svg.getBoundingClientRect().width]);
      assert.ok((drawn ?? 0) <= 700, `${id} is drawn ${drawn} wide`);
      assert.equal(shown, drawn, `${id} is shrunk`);
    }
    await page.setViewportSize({ width: 700, height: 900 });
    for (const table of await page.locator('.wide').all())
      assert.equal(
        await table.evaluate((each) => each.scrollWidth - each.clientWidth),
        0,
        `a table is cut off: ${((await table.textContent()) ?? '').slice(0, 80)}`,
      );
    assert.equal(
      await page.locator('details:not(.kept):visible, summary:visible, button:visible, nav:visible').count(),
      0,
    );
    assert.ok(await page.getByText('plan SHA-256').isVisible(), 'the provenance is printed whole');
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    await page.emulateMedia({ media: 'screen', colorScheme: 'dark' });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.waitForFunction(() => (document.querySelector('#attainment .plot svg')?.clientWidth ?? 0) > 900);
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  it('reaches every section in one click or by keyboard, says where the reader is, and hides no heading', async () => {
    for (const [width, most] of [
      [1280, 7000],
      [390, Infinity],
    ] as const) {
      const { page, errors } = await openPage(browser, url, { width, colorScheme: 'dark' });
      await page.locator('#lateness svg').waitFor();
      const bar = page.getByRole('navigation', { name: 'Contents' });
      const current = bar.locator('[aria-current]');
      assert.equal(await current.textContent(), 'Summary');
      for (const link of await bar.getByRole('link').all()) {
        const name = await link.textContent();
        const id = (await link.getAttribute('href')) ?? '';
        if (width === 390) await link.press('Enter');
        else await link.click();
        await page.waitForFunction(
          (of) => document.querySelector('.contents [aria-current]')?.textContent === of,
          name,
        );
        if (id === '#top') continue;
        const [barBox, box] = [await bar.boundingBox(), await page.locator(`${id} h2`).boundingBox()];
        assert.ok(barBox !== null && box !== null);
        assert.ok(box.y >= barBox.height - 1 && box.y + box.height <= 900, `${name}: its heading is not to be seen`);
        const [at, within] = [await current.boundingBox(), barBox.x + barBox.width];
        assert.ok(at !== null && at.x >= barBox.x - 1 && at.x + at.width <= within + 1, `${name}: its link is not`);
      }
      assert.equal(await page.locator('#glossary dl').isVisible(), true, 'a link opens what is folded');
      await page.locator('#glossary summary').click();
      await bar.getByRole('link', { name: 'Latencies' }).click();
      const [heading, chart] = [page.locator('#distributions h2'), page.locator('#ttft-ecdf')];
      await page.evaluate(() => window.scrollBy(0, 250));
      await page.waitForFunction(() => (document.querySelector('#ttft-ecdf')?.getBoundingClientRect().top ?? 0) < 0);
      assert.ok(((await heading.boundingBox())?.y ?? -1) >= 0, 'the heading stays while its section is read');
      await page.evaluate(() => (window.location.hash = '#ttft-ecdf'));
      const [under, top] = [await heading.boundingBox(), await chart.boundingBox()];
      assert.ok(
        under !== null && top !== null && top.y >= under.y + under.height - 1,
        'a chart lies behind the heading',
      );
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      assert.ok(height <= most, `${height} pixels high`);
      assert.deepEqual(errors, []);
      await page.context().close();
    }
  });

  it('opens "show data" by keyboard', async () => {
    const { page } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    const details = page.locator('#ttft-ecdf details');
    await details.locator('summary').focus();
    assert.equal(await details.locator('table').isVisible(), false);
    await page.keyboard.press('Enter');
    assert.equal(await details.locator('table').isVisible(), true);
    assert.ok((await details.locator('tbody tr').count()) > 100);
    await page.context().close();
  });

  it('opens the record of a request by click and by keyboard', async () => {
    const { page, errors } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    await page.locator('#slowest svg .mark-rect path').nth(2).click({ force: true });
    const opened = page.locator('#slowest .records [data-row][open]');
    assert.equal(await opened.count(), 1);
    assert.match(
      (await opened.innerText()) ?? '',
      /Due .* after the start.*output tokens; first after .*TPOT .*Outcome: ok/s,
    );
    assert.equal(await opened.locator('dl').isVisible(), false, 'the raw record is folded');
    await opened.locator('summary', { hasText: 'raw record' }).click();
    assert.match(await opened.locator('dl').innerText(), /request_id.*prefill_queue_us/s);
    await page.locator('#sample .records > summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#sample [data-row="1"] .words').isVisible(), true);
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  it('a drag across one panel zooms all, keys move it, and a button shows all again', async () => {
    const { page, errors } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    const panels = page.locator('.panels .chart');
    await panels.last().locator('svg').waitFor();
    /** The times at the axis, and where each panel has its vertical lines. */
    const shown = async (): Promise<{ labels: string[]; grids: string[] }> => ({
      labels: (await panels.last().locator('.role-axis-label').first().locator('text').allTextContents()).toSorted(),
      grids: await panels.evaluateAll((all) =>
        all.map((panel) =>
          [...panel.querySelectorAll('.role-axis-grid line')]
            .map((line) => line.getBoundingClientRect())
            .filter(({ width }) => width < 1)
            .map(({ left }) => left.toFixed(1))
            .toSorted()
            .join(' '),
        ),
      ),
    });
    const whole = await shown();
    assert.deepEqual(new Set(whole.grids), new Set([whole.grids[0]]), 'one grid in all panels');
    assert.ok((whole.grids[0] ?? '').split(' ').length > 3);
    const plot = page.locator('#in-flight .plot');
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    assert.ok(box !== null);
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 4 });
    await page.mouse.up();
    const reset = page.locator('button.reset');
    await reset.waitFor();
    await page.waitForTimeout(100);
    const zoomed = await shown();
    assert.notDeepEqual(zoomed, whole);
    assert.equal(new Set(zoomed.grids).size, 1, 'one grid in all panels, zoomed');
    await plot.press('ArrowRight');
    await page.waitForTimeout(100);
    const moved = await shown();
    assert.notDeepEqual(moved.labels, zoomed.labels);
    assert.equal(new Set(moved.grids).size, 1, 'one grid in all panels, moved');
    await reset.click();
    await page.waitForTimeout(100);
    assert.deepEqual(await shown(), whole);
    assert.equal(await reset.isVisible(), false);
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  it('the panels over time have one axis, are low, and are marked together at the time under the pointer', async () => {
    for (const width of [1280, 390]) {
      const { page } = await openPage(browser, url, { width, colorScheme: 'light' });
      const panels = page.locator('.panels .chart');
      await panels.last().locator('svg').waitFor();
      const count = await panels.count();
      assert.equal(await panels.locator('.role-axis-title', { hasText: 'time since start' }).count(), 1);
      assert.equal(await panels.last().locator('.role-axis-title', { hasText: 'time since start' }).count(), 1);
      const [first, last] = [await panels.first().boundingBox(), await panels.last().boundingBox()];
      const height = (last?.y ?? 0) + (last?.height ?? 0) - (first?.y ?? 0);
      if (width === 1280) assert.ok(height <= 130 * (count + 1), `${count} panels are ${height} high`);
      const lefts = await panels
        .locator('.plot')
        .evaluateAll((plots) =>
          plots.map((plot) => plot.querySelector('.role-axis-grid')?.getBoundingClientRect().left.toFixed(0)),
        );
      assert.equal(new Set(lefts).size, 1, `plots start at ${lefts.join(', ')}`);
      const plot = page.locator('#tokens .plot');
      await plot.scrollIntoViewIfNeeded();
      const box = await plot.boundingBox();
      await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 40);
      assert.equal(await page.locator('.cross:visible').count(), count);
      await page.mouse.move(0, 0);
      assert.equal(await page.locator('.cross:visible').count(), 0);
      await page.context().close();
    }
  });

  it('without scripts the page says why nothing is drawn, and offers no gesture', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(url);
    assert.equal(await page.getByText('Scripts do not run here').isVisible(), true);
    assert.equal(await page.getByText('Drag across a panel').isVisible(), false);
    await context.close();
  });

  it('copies the summary', async () => {
    const { page } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('#copy').click();
    await page.locator('#copy', { hasText: 'Copied' }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^\*\*✗ .* of requests met/);
    await page.context().close();
  });

  it('draws anew when the window changes its width', async () => {
    const { page } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    const svg = page.locator('#load .plot svg');
    const wide = (await svg.boundingBox())?.width ?? 0;
    await page.setViewportSize({ width: 390, height: 900 });
    await page.waitForFunction(() => (document.querySelector('#load .plot svg')?.clientWidth ?? 1000) < 400);
    assert.ok(wide > 900);
    await page.context().close();
  });
});

describe('a sweep in a browser', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reprise-sweep-'));
  const url = pathToFileURL(join(dir, 'sweep.html')).href;
  let browser: Browser;

  before(async () => {
    writeFileSync(join(dir, 'sweep.html'), await writeSweepHtml(exampleSweep(), null));
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    rmSync(dir, { recursive: true });
  });

  for (const width of [1280, 390])
    for (const colorScheme of ['light', 'dark'] as const)
      it(`draws every chart at ${width} pixels, ${colorScheme}, and asks for nothing`, async () => {
        const { page, errors, requests } = await openPage(browser, url, { width, colorScheme });
        for (const id of ['goodput-bars', 'attainment-by-rate', 'goodput-by-scale', 'min-scale-by-rate']) {
          const svg = page.locator(`#${id} .plot svg`);
          await svg.waitFor();
          assert.ok((await svg.locator('.mark-line path, .mark-rect path').count()) > 0, `${id} has no curve`);
        }
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0, 'the page scrolls sideways');
        assert.deepEqual(await cutOff(page), [], 'text reaches beyond its chart');
        assert.deepEqual(await struckThrough(page), [], 'lines run through words');
        assert.deepEqual(errors, []);
        assert.deepEqual(requests, [url]);
        await page.context().close();
      });

  it('has words beside its lines in the chart of a run by SLO scale, whether it could be tighter or not', async () => {
    for (const slo of ['ttft=200ms,tpot=12ms', 'ttft=500ms,tpot=30ms'])
      for (const width of [1280, 390]) {
        const run = await exampleRun({ requests: 300, slo, sloScales: [0.5, 0.7, 0.9, 1, 1.2, 1.5] });
        const place = pathToFileURL(join(dir, 'run.html'));
        writeFileSync(place, await writeHtmlReport(run.summary, run.manifest, inBatches(run.records)));
        const { page, errors } = await openPage(browser, place.href, { width, colorScheme: 'light' });
        await page.locator('#slo-scales svg').waitFor();
        const ofScales = (found: readonly string[]): string[] => found.filter((each) => each.startsWith('slo-scales'));
        assert.deepEqual(ofScales(await struckThrough(page)), []);
        assert.deepEqual(ofScales(await cutOff(page)), []);
        assert.deepEqual(errors, []);
        await page.context().close();
      }
  });

  it('opens the report of a run by a click on its point', async () => {
    const { page } = await openPage(browser, url, { width: 1280, colorScheme: 'light' });
    const point = page.locator('#attainment-by-rate .mark-symbol path').first();
    await point.waitFor();
    const asked = page.waitForRequest((request) => request.url().endsWith('/runs/1-first/2rps/report.html'));
    await point.click();
    await asked;
    await page.context().close();
  });
});

/** Texts of charts that reach beyond the room of their chart, where they are not seen. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.plot')].flatMap((plot) => {
      const room = plot.getBoundingClientRect();
      return [...plot.querySelectorAll('svg text:not([opacity="0"])')]
        .filter((text) => {
          const { width, left, right } = text.getBoundingClientRect();
          return width > 0 && (left < room.left - 1 || right > room.right + 1);
        })
        .map((text) => `${plot.parentElement?.id}: ${text.textContent}`);
    }),
  );
}

/** Words in a plot that a curve or a rule of the same chart runs through: at every fifth pixel of the line. */
function struckThrough(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('section:not(#timeline) .plot')].flatMap((plot) => {
      const lines = plot.querySelectorAll<SVGGeometryElement>('.mark-line path, .mark-rule line');
      const points = [...lines].flatMap((line) => {
        const toScreen = line.getScreenCTM();
        const length = line.getTotalLength();
        if (length === 0) return [];
        return Array.from({ length: Math.floor(length / 5) + 1 }, (_, i) =>
          line.getPointAtLength(i * 5).matrixTransform(toScreen ?? undefined),
        );
      });
      return [...plot.querySelectorAll('.mark-text text:not([opacity="0"])')]
        .filter((text) => {
          const { left, right, top, bottom } = text.getBoundingClientRect();
          // The box of a text has room for accents and descenders, which these words hardly have.
          return points.some(({ x, y }) => x > left && x < right && y > top + 4 && y < bottom - 4);
        })
        .map((text) => `${plot.parentElement?.id}: ${text.textContent}`);
    }),
  );
}
