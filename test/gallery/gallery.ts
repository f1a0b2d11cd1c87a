import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Chart, ChartSection } from '../../reports/charts/chart.ts';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { runSections } from '../../reports/charts/run-sections.ts';
import { sweepSections } from '../../reports/charts/sweep-sections.ts';
import { THEME } from '../../reports/charts/theme.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { EXAMPLE_PLACEMENT } from '../reports/example-placement.ts';
import { exampleSweep } from '../reports/example-sweep.ts';
import { exampleRun, inBatches } from '../reports/example-run.ts';
import { exampleScrapes } from '../reports/example-scrapes.ts';

/** Every section of every page, of an example that has each of the page's charts, by the page's name. */
export async function gallery(): Promise<Readonly<Record<'run' | 'placement' | 'sweep', readonly ChartSection[]>>> {
  const { summary, manifest, records } = await exampleRun({
    requests: 40,
    slo: 'ttft=200ms,tpot=12ms',
    sloScales: [0.5, 0.8, 1, 1.25, 1.6],
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429, error: 'queue is full' } : null),
  });
  const data = await collectReportData(inBatches(records), manifest, exampleScrapes(records));
  return {
    run: runSections(summary, data),
    placement: placementSections(EXAMPLE_PLACEMENT),
    sweep: sweepSections(exampleSweep(), null),
  };
}

const WIDTH = 640;

/**
 * A chart as the page draws it, but without a browser: text is measured by Vega's own estimate, which is the same on
 * every machine. Colours are CSS variables.
 */
export async function svgOf(chart: Chart): Promise<string> {
  const { spec } = compile(chart.spec, { config: THEME });
  const view = await new View(parse(spec), { renderer: 'none' }).runAsync();
  // Where there is no container, a width holds from the first run on.
  return view.width(WIDTH).toSVG();
}
