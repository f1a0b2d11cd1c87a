import { listText } from '../../src/core/words.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { COMPARED_LATENCIES, type ComparisonData } from '../data/comparison-data.ts';
import { METRIC_NAMES } from '../definitions.ts';
import type { ChartSection } from './chart.ts';
import { comparisonEcdf } from './comparison-ecdf-chart.ts';
import { forestChart } from './comparison-forest-chart.ts';
import { pairsChart } from './comparison-pairs-chart.ts';
import { comparisonTimeSection } from './comparison-time-charts.ts';
import { quantilesChart } from './comparison-quantiles-chart.ts';

/** With fewer, the quantiles that every run has say little of the whole. */
const LEAST_QUANTILES = 10;

/** The charts of a comparison in the order of its page. */
export function comparisonSections(
  comparison: Comparison,
  { latencies, times, pairs }: Pick<ComparisonData, 'latencies' | 'times' | 'pairs'>,
): ChartSection[] {
  const shown = COMPARED_LATENCIES.filter((metric) => latencies[metric].base.n + latencies[metric].new.n > 0);
  const few = shown.filter((metric) => latencies[metric].changes.length < LEAST_QUANTILES);
  return [
    {
      id: 'forest',
      heading: 'How each metric changes',
      name: 'Changes',
      layout: 'column',
      charts: [forestChart(comparison)],
    },
    {
      id: 'distributions',
      heading: 'Latencies of both',
      name: 'Distributions',
      layout: 'triples',
      charts: shown.map((metric) => comparisonEcdf(comparison, metric, latencies[metric])),
    },
    {
      id: 'quantiles',
      heading: 'Change by quantile',
      name: 'Quantiles',
      layout: 'triples',
      charts: shown
        .filter((metric) => !few.includes(metric))
        .map((metric) => quantilesChart(comparison, metric, latencies[metric].changes)),
      left_out:
        few.length === 0
          ? null
          : `Left out: ${listText(few.map((metric) => METRIC_NAMES[metric]))}, of which most quantiles are of failed requests.`,
    },
    comparisonTimeSection(comparison, times),
    {
      id: 'requests',
      heading: 'Request by request',
      name: 'Requests',
      layout: 'column',
      charts: pairs.points.length === 0 ? [] : [pairsChart(comparison, pairs)],
    },
  ];
}
