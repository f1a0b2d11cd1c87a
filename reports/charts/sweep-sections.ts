import type { SweepReport } from '../../src/schema/sweep.ts';
import type { ChartSection } from './chart.ts';
import { attainmentByRate } from './sweep-attainment-chart.ts';
import { goodputBars } from './sweep-goodput-bars.ts';
import { goodputByScale, minScaleByRate } from './sweep-scale-charts.ts';

/** The charts of a sweep in the order of its page. `judged`: by which other SLO, for the pages of the runs. */
export function sweepSections(report: SweepReport, judged: string | null): ChartSection[] {
  const isOneScale = report.slo_scales.length === 1;
  return [
    { id: 'goodput', heading: 'Goodput', layout: 'column', charts: [goodputBars(report)] },
    {
      id: 'load',
      heading: 'Attainment by load',
      name: 'By load',
      layout: 'column',
      charts: [attainmentByRate(report, judged)],
    },
    {
      id: 'scales',
      heading: 'Tighter and looser SLOs',
      name: 'By SLO scale',
      layout: 'pairs',
      charts: isOneScale ? [] : [goodputByScale(report), minScaleByRate(report)],
    },
  ];
}
