import type { GoodputReport } from '../../src/schema/goodput.ts';
import type { ChartSection } from './chart.ts';
import { attainmentByRate } from './goodput-attainment-chart.ts';
import { bindingCharts } from './goodput-binding-chart.ts';
import { courseCharts } from './goodput-course-charts.ts';
import { latencyCharts, latencyLeftOut } from './goodput-latency-charts.ts';

/** The charts of a search in the order of its page. */
export function goodputSections(report: GoodputReport): ChartSection[] {
  const byLoad = [...latencyCharts(report), ...bindingCharts(report)];
  return [
    {
      id: 'load',
      heading: 'Attainment by load',
      name: 'Attainment',
      layout: 'column',
      charts: report.probes.length === 0 ? [] : [attainmentByRate(report)],
    },
    {
      id: 'latency',
      heading: 'Latency and misses by load',
      name: 'Latency',
      layout: byLoad.length === 3 ? 'triples' : 'pairs',
      charts: byLoad,
      left_out: latencyLeftOut(report),
    },
    {
      id: 'course',
      heading: 'The course of the search',
      name: 'Course',
      layout: 'pairs',
      charts: courseCharts(report),
    },
  ];
}
