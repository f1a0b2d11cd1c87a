import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { writeReproducedHtml } from '../../reports/index.ts';
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

  it('a legend has room for names of any length', async () => {
    const [part] = EXAMPLE_EXPERIMENT.parts;
    assert.ok(part !== undefined);
    const named = (length: number) =>
      part.panels.map((panel) => ({
        ...panel,
        points: ['a', 'b', 'c', 'd'].flatMap((letter) =>
          panel.points.map((point) => ({ ...point, series: `${letter} ${point.series}`.padEnd(length, letter) })),
        ),
      }));
    const lengths = Array.from({ length: 12 }, (_, i) => 8 + 2 * i);
    const parts = lengths.map((length) => ({ ...part, id: `length-${length}`, panels: named(length) }));
    const file = join(dir, 'legends.html');
    writeFileSync(file, await writeReproducedHtml({ ...EXAMPLE_EXPERIMENT, parts }, EXAMPLE_GALLERY.versions));
    for (const width of [1280, 700, 390]) {
      const { page, errors } = await openPage(browser, pathToFileURL(file).href, { width, colorScheme: 'light' });
      for (const plot of await page.locator('.plot').all()) {
        await plot.scrollIntoViewIfNeeded();
        await plot.locator('svg .mark-symbol path').first().waitFor();
      }
      assert.deepEqual(await cutOff(page), [], `at ${width} pixels`);
      assert.deepEqual(errors, []);
      await page.context().close();
    }
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
