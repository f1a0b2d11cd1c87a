import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { writeGoodputHtml, writeGoodputsHtml } from '../../reports/index.ts';
import { launchBrowser, openPage } from '../browser.ts';
import { cutProbe, exampleGoodput, TRACE_GOODPUT, TRAFFIC_GOODPUT, trafficAt } from './example-goodput.ts';
import { cutOff, struckThrough } from './page-checks.ts';

const TALLEST = 3500;

describe('the pages of goodput in a browser', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reprise-goodput-'));
  const names = ['trace', 'traffic', 'below', 'above', 'several'];
  const urlOf = (name: string): string => pathToFileURL(join(dir, `${name}.html`)).href;
  let browser: Browser;

  before(async () => {
    const probes = (isMet: boolean): ReturnType<typeof cutProbe>[] =>
      [1, 2, 4, 8].map((rate) => cutProbe('probe', rate, isMet));
    const targets = [TRAFFIC_GOODPUT, trafficAt(13, 15), trafficAt(5, 6)];
    const pages = [
      await writeGoodputHtml(TRACE_GOODPUT),
      await writeGoodputHtml({
        ...TRAFFIC_GOODPUT,
        workload: { ...TRAFFIC_GOODPUT.workload, name: 'long'.repeat(20) },
      }),
      await writeGoodputHtml(exampleGoodput('traffic', probes(false), [{ state: 'below', bracket_rps: [null, 1] }])),
      await writeGoodputHtml(exampleGoodput('traffic', probes(true), [{ state: 'above', bracket_rps: [8, null] }])),
      await writeGoodputsHtml(
        targets.map((report, i) => ({ name: `${'long-name'.repeat(9)}-${i}`, dir: `${i}`, report })),
      ),
    ];
    for (const [i, page] of pages.entries()) writeFileSync(join(dir, `${names[i]}.html`), page);
    mkdirSync(join(dir, 'traffic'));
    writeFileSync(join(dir, 'traffic', 'report.html'), '<title>its run</title>');
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    rmSync(dir, { recursive: true });
  });

  for (const name of names)
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const)
      it(`${name}: every chart is drawn at ${width} pixels, ${colorScheme}, nothing is cut off, and nothing is asked for`, async () => {
        const { page, errors, requests } = await openPage(browser, urlOf(name), { width, colorScheme });
        for (const plot of await page.locator('.plot').all()) {
          await plot.locator('svg').waitFor();
          assert.ok((await plot.locator('svg .mark-symbol path, svg .mark-rect path').count()) > 0);
        }
        const [overflow, height] = await page.evaluate(() => {
          const { scrollWidth, clientWidth, scrollHeight } = document.documentElement;
          return [scrollWidth - clientWidth, scrollHeight];
        });
        assert.equal(overflow, 0, 'the page scrolls sideways');
        assert.ok(width < 1280 || (height ?? Infinity) <= TALLEST, `${height} pixels tall`);
        assert.deepEqual(await cutOff(page), [], 'text reaches beyond its chart');
        assert.deepEqual(await struckThrough(page), [], 'lines run through words');
        assert.deepEqual(errors, []);
        assert.deepEqual(requests, [urlOf(name)]);
        await page.context().close();
      });

  it('a click on a probe opens the report of its run', async () => {
    const { page } = await openPage(browser, urlOf('traffic'), { width: 1280, colorScheme: 'light' });
    await page.locator('#attainment-by-rate .mark-symbol path').first().click();
    await page.waitForURL(/traffic\/report\.html$/);
    assert.equal(await page.title(), 'its run');
    await page.context().close();
  });
});
