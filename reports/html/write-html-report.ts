import type { Manifest } from '../../src/schema/manifest.ts';
import type { RecordBatch } from '../../src/core/record.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { runSections } from '../charts/run-sections.ts';
import { fromText } from '../format.ts';
import { collectReportData } from '../data/report-data.ts';
import { summaryMarkdown } from '../markdown/summary.ts';
import { chartSection } from './chart-section.ts';
import { glossary } from './glossary.ts';
import { keyFigures } from './key-figures.ts';
import { outcomes } from './outcomes.ts';
import { page } from './page.ts';
import { provenance } from './provenance.ts';
import { measurementQuality } from './quality.ts';
import { serverSection } from './server-section.ts';
import { verdictBar } from './verdict-bar.ts';

/**
 * The report of one run as one HTML file: offline, no request to anywhere, a size that does not grow with the run.
 * Reads the records once, and again with `again` for the sessions that it shows.
 */
export async function writeHtmlReport(
  summary: Summary,
  manifest: Manifest,
  records: AsyncIterable<RecordBatch>,
  scrapes: AsyncIterable<Scrape> | null = null,
  again: (() => AsyncIterable<RecordBatch>) | null = null,
): Promise<string> {
  // Aggregate first: the page holds the points of its drawings, never the records.
  const data = await collectReportData(records, manifest, scrapes, again);
  const sections = runSections(summary, data);
  const charts = sections.flatMap((section) => section.charts);
  const places = new Set(['outcomes', ...charts.map(({ id }) => id)]);

  // In reading order: the answer, reasons to trust it, details.
  const shown = [
    keyFigures(summary, places, fromText(manifest)),
    ...sections.flatMap((section) => [
      chartSection(section),
      // The server's own figures, under its charts.
      section.id === 'timeline' ? serverSection(summary, manifest.clock) : null,
    ]),
    measurementQuality(summary, data, manifest),
    outcomes(summary),
    provenance(manifest, summary),
    glossary(),
  ];
  return page({
    title: `${manifest.workload.name} on ${manifest.target.spec} - Reprise`,
    header: verdictBar(summary, manifest),
    sections: shown.filter((section) => section !== null),
    charts,
    markdown: summaryMarkdown(summary, manifest),
  });
}
