import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Chart, ChartSection } from '../../reports/charts/chart.ts';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { trendSections } from '../../reports/charts/trend-chart.ts';
import { runSections } from '../../reports/charts/run-sections.ts';
import { THEME } from '../../reports/charts/theme.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { EXAMPLE_PLACEMENT } from '../reports/example-placement.ts';
import { exampleRun, inBatches } from '../reports/example-run.ts';
import { exampleScrapes } from '../reports/example-scrapes.ts';
import { trendOf } from '../../src/trend/trend.ts';
import { exampleNights } from '../trend/example-nights.ts';

/** Every section of every page, of an example that has each of the page's charts, by the page's name. */
export async function gallery(): Promise<Readonly<Record<'run' | 'placement' | 'trend', readonly ChartSection[]>>> {
  const { summary, manifest, records } = await exampleRun({
    requests: 40,
    slo: 'ttft=200ms,tpot=12ms',
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429, error: 'queue is full' } : null),
  });
  const data = await collectReportData(inBatches(records), manifest, exampleScrapes(records));
  const nights = exampleNights({ nights: 45, slowerFrom: 31, invalid: [7, 26], odd: [14] });
  return {
    run: runSections(summary, data),
    placement: placementSections(EXAMPLE_PLACEMENT),
    trend: trendSections(trendOf(nights, nights[0]?.run_id ?? null)),
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
