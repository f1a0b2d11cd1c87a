import type { Manifest } from '../../src/schema/manifest.ts';
import type { RecordBatch } from '../../src/core/record.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import type { Summary } from '../../src/schema/summary.ts';
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
import { collectReportData, type ReportData } from '../data/report-data.ts';
import { summaryMarkdown } from '../markdown/summary.ts';
import { keyFigures } from './key-figures.ts';
import { html } from './markup.ts';
import { outcomes } from './outcomes.ts';
import { chartSection, page } from './page.ts';
import { provenance } from './provenance.ts';
import { measurementQuality } from './quality.ts';
import { serverSection } from './server-section.ts';
import { verdictBar } from './verdict-bar.ts';

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
  const figures = await collectReportData(records, summary, scrapes);
  const promises = promiseCharts(summary, figures);
  const distributions = distributionCharts(summary, figures);
  const reasons = reasonCharts(summary, figures);
  const sentence = figures.misses === null ? null : missSentence(figures.misses);
  const requests = requestCharts(summary, figures);
  const heat = heatCharts(summary, figures);
  const timeline = timelineCharts(summary, figures);

  const charts = [...promises, ...distributions, ...reasons, ...timeline, ...requests, ...heat];
  const places = new Set(['outcomes', ...charts.map(({ id }) => id)]);

  // The page in the order in which it is read: the answer, why to believe it, where to dig.
  const body = html`
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
  `;
  return page({
    title: `${manifest.workload.name} on ${manifest.target.spec} - Reprise`,
    body,
    charts,
    markdown: summaryMarkdown(summary, manifest),
  });
}

/** In place of a chart in which nothing would be drawn. */
function nothingPromised(charts: readonly Chart[], { slo_plane: { requests, never } }: ReportData): string | null {
  if (charts.length > 0 || requests === 0) return null;
  return `No limits on TTFT and TPOT would have been met by even one in ten requests: ${withThousands(never)} of ${withThousands(requests)} meet none.`;
}
