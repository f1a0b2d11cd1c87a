import type { TargetGoodput } from '../goodputs-verdict.ts';
import type { ChartSection } from './chart.ts';
import { attainmentOfAll } from './goodputs-attainment-chart.ts';
import { barsChart } from './goodputs-bars-chart.ts';

/** The charts of several targets in the order of their page. */
export function goodputsSections(targets: readonly TargetGoodput[]): ChartSection[] {
  const perGpu = targets.some(({ report: { gpus } }) => (gpus ?? 1) > 1);
  return [
    {
      id: 'goodputs',
      heading: 'What they carry',
      layout: perGpu ? 'pairs' : 'column',
      charts: [barsChart(targets, 'whole'), ...(perGpu ? [barsChart(targets, 'gpu')] : [])],
    },
    {
      id: 'load',
      heading: 'Attainment by load',
      name: 'Attainment',
      layout: 'column',
      charts: [attainmentOfAll(targets)],
    },
  ];
}
