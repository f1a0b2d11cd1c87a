import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/** One process for all dies with the first context that closes; and pages are to be judged as users' browsers judge them. */
const UNWANTED = new Set(['--single-process', '--disable-web-security', '--allow-running-insecure-content']);

/** A headless Chromium out of the development dependencies. The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((argument) => !UNWANTED.has(argument)), '--no-sandbox'],
    headless: true,
  });
}
