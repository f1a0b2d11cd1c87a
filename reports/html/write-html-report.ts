import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { compile } from 'vega-lite';
import type { Manifest } from '../../src/core/manifest.ts';
import type { RecordBatch } from '../../src/core/record.ts';
import type { Scrape } from '../../src/core/server-metrics.ts';
import type { Summary } from '../../src/core/summary.ts';
import { withThousands } from '../../src/core/units.ts';
import type { Chart } from '../charts/chart.ts';
import {
  distributionCharts,
  heatCharts,
  promiseCharts,
  reasonCharts,
  requestCharts,
  timelineCharts,
} from '../charts/run-charts.ts';
import { missSentence } from '../charts/miss-findings.ts';
import { THEME } from '../charts/theme.ts';
import { collectFigures, type Figures } from '../figures/figures.ts';
import { summaryMarkdown } from '../markdown/summary-markdown.ts';
import { typeset } from '../wording.ts';
import { chartFigure } from './chart-figure.ts';
import { keyFigures } from './key-figures.ts';
import { html, json, type Markup, trusted } from './markup.ts';
import { outcomes } from './outcomes.ts';
import { runPage } from './page-script.ts';
import { provenance } from './provenance.ts';
import { measurementQuality } from './quality.ts';
import { serverSection } from './server-section.ts';
import { STYLE } from './style.ts';
import { verdictBar } from './verdict-bar.ts';
import { shareZoom } from './zoom-script.ts';

const ZOOM_WORDS = 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.';

/**
 * The report of one run as one HTML file: offline, no request to anywhere, a size that does not grow with the run.
 * Reads the records once.
 */
export async function writeHtmlReport(
  summary: Summary,
  manifest: Manifest,
  records: AsyncIterable<RecordBatch>,
  scrapes: AsyncIterable<Scrape> | null = null,
): Promise<string> {
  // Aggregate: what is drawn, not what was measured.
  const figures = await collectFigures(records, summary, scrapes);
  const promises = promiseCharts(summary, figures);
  const distributions = distributionCharts(summary, figures);
  const reasons = reasonCharts(summary, figures);
  const sentence = figures.misses === null ? null : missSentence(figures.misses);
  const requests = requestCharts(summary, figures);
  const heat = heatCharts(summary, figures);
  const timeline = timelineCharts(summary, figures);

  const charts = [...promises, ...distributions, ...reasons, ...timeline, ...requests, ...heat];
  const places = new Set(['outcomes', ...charts.map(({ id }) => id)]);

  // Compile the charts here, so that the page needs Vega's runtime alone.
  const specs = Object.fromEntries(charts.map(({ id, spec }) => [id, compiled(spec)]));
  const scripts = [await vegaRuntime(), `(${runPage.toString()})(vega, ${shareZoom.toString()});`];

  // The page in the order in which it is read: the answer, why to believe it, where to dig.
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(scripts)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${manifest.workload.name} on ${manifest.target.spec} - Reprise</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        ${verdictBar(summary, manifest)}
        <main>
          ${keyFigures(summary, places)}
          ${chartSection('promise', 'What could be promised', 'charts', promises, nothingPromised(promises, figures))}
          ${chartSection('distributions', 'Latencies', 'charts pairs', distributions)}
          ${chartSection('reasons', 'Why they missed', 'charts pairs', reasons, sentence)}
          ${chartSection('timeline', 'Over time', 'charts', timeline, html`<span class="screen">${ZOOM_WORDS}</span>`)}
          ${serverSection(summary)} ${chartSection('requests', 'Single requests', 'charts', requests)}
          ${chartSection('dependence', 'What latency depends on', 'charts pairs', heat)}
          ${measurementQuality(summary, figures, manifest.clock)} ${outcomes(summary, figures)}
          ${provenance(manifest, summary)}
        </main>
        <script type="application/json" id="charts">
          ${json(specs)}
        </script>
        <script type="application/json" id="markdown">
          ${json(summaryMarkdown(summary, manifest))}
        </script>
        ${scripts.map(scriptElement)}
      </body>
    </html> `;
  return page.html;
}

function chartSection(
  id: string,
  heading: string,
  layout: string,
  charts: readonly Chart[],
  lead: Markup | string | null = null,
): Markup | null {
  if (charts.length === 0 && lead === null) return null;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    ${lead === null ? null : html`<p class="lead">${typeof lead === 'string' ? typeset(lead) : lead}</p>`}
    ${charts.length === 0 ? null : html`<div class="${layout}">${charts.map(chartFigure)}</div>`}
  </section>`;
}

/** In place of a chart in which nothing would be drawn. */
function nothingPromised(charts: readonly Chart[], { slo_plane: { requests, never } }: Figures): string | null {
  if (charts.length > 0 || requests === 0) return null;
  return `No limits on TTFT and TPOT would have been met by even one in ten requests: ${withThousands(never)} of ${withThousands(requests)} meet none.`;
}

function compiled(spec: Chart['spec']): object {
  return compile(spec, { config: THEME }).spec;
}

/** Exactly the text whose digest the policy names. */
function scriptElement(script: string): Markup {
  return trusted(`<script>${script}</script>`);
}

/** Vega's browser build, as text that can stand in a script element. */
async function vegaRuntime(): Promise<string> {
  const manifestPath = findPackageJSON('vega', import.meta.url);
  if (manifestPath === undefined) throw new Error('the package vega is not installed');
  const text = await readFile(join(dirname(manifestPath), 'build', 'vega.min.js'), 'utf8');
  return text.replaceAll('</script', '<\\/script');
}

/**
 * Nothing may be loaded or sent. Only our own scripts run, by their digests; `unsafe-eval` is what Vega compiles its
 * expressions with.
 */
function contentSecurityPolicy(scripts: readonly string[]): string {
  const digests = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${digests.join(' ')} 'unsafe-eval'; img-src data:; base-uri 'none'; form-action 'none'`;
}
