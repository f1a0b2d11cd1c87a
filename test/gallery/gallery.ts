import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Chart, ChartSection } from '../../reports/charts/chart.ts';
import { certificateSections } from '../../reports/charts/certificate-sections.ts';
import { comparisonSections } from '../../reports/charts/comparison-sections.ts';
import { goodputSections } from '../../reports/charts/goodput-sections.ts';
import { goodputsSections } from '../../reports/charts/goodputs-sections.ts';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { trendSections } from '../../reports/charts/trend-chart.ts';
import { reproduceSections } from '../../reports/charts/reproduce-sections.ts';
import { runSections } from '../../reports/charts/run-sections.ts';
import { sweepSections } from '../../reports/charts/sweep-sections.ts';
import { traceSections } from '../../reports/charts/trace-sections.ts';
import { THEME } from '../../reports/charts/theme.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { pageData } from '../../src/compare/page-data.ts';
import { EXAMPLE_CERTIFICATE } from '../certificate/example-certificate.ts';
import { exampleSide } from '../compare/example-sides.ts';
import { TRACE_GOODPUT, TRAFFIC_GOODPUT, trafficAt } from '../reports/example-goodput.ts';
import { EXAMPLE_PLACEMENT } from '../reports/example-placement.ts';
import { EXAMPLE_EXPERIMENT } from '../reports/example-reproduced.ts';
import { exampleSweep } from '../reports/example-sweep.ts';
import { exampleRun, inBatches } from '../reports/example-run.ts';
import { exampleTrace } from '../reports/example-trace.ts';
import { exampleScrapes } from '../reports/example-scrapes.ts';
import { trendOf } from '../../src/trend/trend.ts';
import { exampleNights } from '../trend/example-nights.ts';

type PageName =
  | 'run'
  | 'run-of-sessions'
  | 'placement'
  | 'goodput-of-trace'
  | 'goodput-of-traffic'
  | 'goodputs'
  | 'sweep'
  | 'trend'
  | 'trace'
  | 'reproduced'
  | 'comparison'
  | 'certificate';

/** Every section of every page, of an example that has each of the page's charts, by the page's name. */
export async function gallery(): Promise<Readonly<Record<PageName, readonly ChartSection[]>>> {
  const { summary, manifest, records } = await exampleRun({
    requests: 40,
    slo: 'ttft=200ms,tpot=12ms',
    sloScales: [0.5, 0.8, 1, 1.25, 1.6],
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429, error: 'queue is full' } : null),
  });
  const data = await collectReportData(inBatches(records), manifest, exampleScrapes(records));
  const targets = [TRAFFIC_GOODPUT, trafficAt(13, 15), trafficAt(5, 6, { gpus: 8 })].map((report, i) => ({
    name: `target ${i + 1}`,
    dir: `${i + 1}-target`,
    report,
  }));
  const nights = exampleNights({ nights: 45, slowerFrom: 31, invalid: [7, 26], odd: [14] });
  return {
    run: runSections(summary, data),
    'run-of-sessions': await sessions(),
    placement: placementSections(EXAMPLE_PLACEMENT),
    'goodput-of-trace': goodputSections(TRACE_GOODPUT),
    'goodput-of-traffic': goodputSections(TRAFFIC_GOODPUT),
    goodputs: goodputsSections(targets),
    sweep: sweepSections(exampleSweep(), null),
    comparison: await comparison(),
    certificate: certificateSections(EXAMPLE_CERTIFICATE),
    reproduced: reproduceSections(EXAMPLE_EXPERIMENT),
    trace: traceSections(await exampleTrace(), { name: 'one GPU', tokens: 40_000 }),
    trend: trendSections(trendOf(nights, nights[0]?.run_id ?? null)),
  };
}

/** What a run has besides where its requests are turns of sessions, of which one fails and leaves its last turns unsent. */
async function sessions(): Promise<ChartSection[]> {
  const { summary, manifest, records } = await exampleRun({
    requests: 120,
    slo: 'ttft=200ms,tpot=12ms',
    sessions: 20,
    fate(index, dueUs) {
      if (index % 20 !== 7 || index < 60) return null;
      if (index > 67) return { outcome: 'unsent' };
      return { outcome: 'http_error', http_status: 500, sent_us: dueUs + 40, end_us: dueUs + 900_000 };
    },
  });
  const data = await collectReportData(inBatches(records), manifest, null, () => inBatches(records));
  return runSections(summary, data).filter(({ id }) => id === 'sessions');
}

/** Of two systems of which one fails some requests, two runs of each. */
async function comparison(): Promise<ChartSection[]> {
  const base = await exampleSide('base', { factors: [1, 1.01], requests: 40 });
  const now = await exampleSide('new', {
    factors: [1.06, 1.07],
    requests: 40,
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429, error: 'queue is full' } : null),
  });
  const compared = compareRuns(base, now, { margin: 0.02, names: ['base', 'new'] });
  return comparisonSections(compared, pageData(compared, base, now));
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
