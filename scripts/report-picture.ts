// Makes the README's picture of a report, of the run that `npm start` does: node scripts/report-picture.ts [RUN_DIRECTORY]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launchBrowser } from './browser.ts';

const root = join(import.meta.dirname, '..');
const picture = join(root, 'reports', 'report.png');
/** It is looked at in a column of a README, so what is to be read there has to be large. */
const WIDTH = 1000;
const LAST_CHART = '#slo-plane';

const folder = mkdtempSync(join(tmpdir(), 'reprise-picture-'));
const browser = await launchBrowser();
try {
  const [given] = process.argv.slice(2);
  const run = given === undefined ? join(folder, 'run') : resolve(given);
  if (given === undefined)
    execFileSync(process.execPath, [join(root, 'src', 'cli.ts'), 'run', '--clock', 'virtual', '--out', run]);
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme: 'light' });
  await page.goto(pathToFileURL(join(run, 'report.html')).href);
  const last = page.locator(`${LAST_CHART} .plot`);
  await last.locator('svg[aria-hidden]').waitFor();
  const box = await last.boundingBox();
  if (box === null) throw new Error(`${LAST_CHART} is not shown`);
  const height = Math.floor(box.y + box.height);
  await page.screenshot({ path: picture, fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
  console.log(`${picture}: ${WIDTH} x ${height}, ${statSync(picture).size} bytes`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
