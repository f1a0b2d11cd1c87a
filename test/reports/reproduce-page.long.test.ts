import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { writeReproduced } from '../../src/search/reproduce/files.ts';
import { launchBrowser, openPage } from '../browser.ts';
import { temporaryFolder } from '../cli.ts';
import { EXAMPLE_EXPERIMENT, EXAMPLE_GALLERY } from './example-reproduced.ts';
import { cutOff, struckThrough } from './page-checks.ts';

describe('the pages of published experiments in a browser', () => {
  const dir = join(temporaryFolder(), 'gallery');
  const urlOf = (name: string): string => pathToFileURL(join(dir, `${name}.html`)).href;
  let browser: Browser;

  before(async () => {
    await writeReproduced(dir, EXAMPLE_GALLERY);
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  for (const name of ['index', EXAMPLE_EXPERIMENT.name])
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const)
      it(`${name}: every chart is drawn at ${width} pixels, ${colorScheme}, nothing is cut off, and nothing is asked for`, async () => {
        const { page, errors, requests } = await openPage(browser, urlOf(name), { width, colorScheme });
        const plots = await page.locator('.plot').all();
        assert.equal(plots.length, name === 'index' ? 0 : 5);
        for (const plot of plots) {
          await plot.locator('svg').waitFor();
          assert.ok((await plot.locator('svg .mark-symbol path, svg .mark-rect path').count()) > 0);
        }
        const overflow = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return scrollWidth - clientWidth;
        });
        assert.equal(overflow, 0, 'the page scrolls sideways');
        assert.deepEqual(await cutOff(page), [], 'text reaches beyond its chart');
        assert.deepEqual(await struckThrough(page), [], 'lines run through words');
        assert.deepEqual(errors, []);
        assert.deepEqual(requests, [urlOf(name)]);
        await page.context().close();
      });

  it('the first page leads to each experiment, and that back', async () => {
    const { page } = await openPage(browser, urlOf('index'), { width: 1280, colorScheme: 'light' });
    await page.locator(`a[href="${EXAMPLE_EXPERIMENT.name}.html"]`).first().click();
    await page.waitForURL(/example-figure\.html$/);
    await page.locator('a[href="index.html"]').click();
    await page.waitForURL(/index\.html$/);
    await page.context().close();
  });
});
