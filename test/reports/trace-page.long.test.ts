import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { writeTraceHtml } from '../../reports/index.ts';
import type { TraceInspection } from '../../src/core/trace-inspection.ts';
import { inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { launchBrowser, openPage } from '../browser.ts';
import { temporaryFolder } from '../cli.ts';
import { exampleTrace } from './example-trace.ts';
import { cutOff, struckThrough } from './page-checks.ts';

const TALLEST = 4000;

describe('the page of a trace in a browser', () => {
  const dir = temporaryFolder();
  const traces: Readonly<Record<string, () => Promise<TraceInspection>>> = {
    sessions: exampleTrace,
    few: () => exampleTrace(6),
    chat: () => inspectTrace(resolveWorkload('chat')),
    code: () => inspectTrace(resolveWorkload('code')),
  };
  const urlOf = (name: string): string => pathToFileURL(join(dir, `${name}.html`)).href;
  let browser: Browser;

  before(async () => {
    for (const [name, make] of Object.entries(traces)) {
      const reading = { name: 'Llama 3.1 8B on one H100', tokens: 440_000 };
      writeFileSync(join(dir, `${name}.html`), await writeTraceHtml(await make(), { reading, version: '0' }));
    }
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  for (const name of Object.keys(traces))
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const)
      it(`${name}: every chart is drawn at ${width} pixels, ${colorScheme}, nothing is cut off, and nothing is asked for`, async () => {
        const { page, errors, requests } = await openPage(browser, urlOf(name), { width, colorScheme });
        for (const plot of await page.locator('.plot').all()) {
          await plot.locator('svg').waitFor();
          assert.ok((await plot.locator('svg :is(.mark-symbol, .mark-rect, .mark-area, .mark-line) path').count()) > 0);
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
});
