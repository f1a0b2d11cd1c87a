import type { Browser, Page } from 'playwright-core';

export { launchBrowser } from '../scripts/browser.ts';

export interface OpenPage {
  readonly page: Page;
  /** Console errors and uncaught exceptions so far. */
  readonly errors: readonly string[];
  /** Every URL asked for so far, the page's own included. */
  readonly requests: readonly string[];
}

export interface PageOptions {
  readonly width: number;
  readonly height?: number;
  readonly colorScheme: 'light' | 'dark';
}

/** Opens a URL in a context of its own, and keeps what it complains of and asks for. */
export async function openPage(browser: Browser, url: string, options: PageOptions): Promise<OpenPage> {
  const { width, height = 900, colorScheme } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, errors, requests };
}
