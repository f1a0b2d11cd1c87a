import type { TraceInspection } from '../../src/core/trace-inspection.ts';
import type { CacheReading } from '../trace-words.ts';
import type { Chart, ChartSection } from './chart.ts';
import { traceBurstinessChart } from './trace-burstiness-chart.ts';
import { traceLengthsChart } from './trace-lengths-chart.ts';
import { traceReuseChart } from './trace-reuse-chart.ts';
import { traceSessionCharts } from './trace-session-charts.ts';
import { traceTimeCharts } from './trace-time-charts.ts';

/** The charts of a trace in the order of its page; those that have nothing to show are left out. */
export function traceSections(found: TraceInspection, reading: CacheReading | null): ChartSection[] {
  const sessions = traceSessionCharts(found);
  return [
    {
      id: 'time',
      heading: 'Arrivals over time',
      name: 'Arrivals',
      layout: 'panels',
      hint: 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.',
      charts: traceTimeCharts(found),
    },
    {
      id: 'scales',
      heading: 'Burstiness against Poisson',
      name: 'Burstiness',
      layout: 'column',
      charts: drawn(traceBurstinessChart(found)),
    },
    {
      id: 'together',
      heading: 'Lengths',
      layout: 'column',
      charts: found.rows === 0 ? [] : [traceLengthsChart(found)],
    },
    { id: 'sessions', heading: 'Sessions', layout: sessions.length === 3 ? 'triples' : 'pairs', charts: sessions },
    {
      id: 'prefix',
      heading: 'Prefix reuse by cache size',
      name: 'Prefix reuse',
      layout: 'column',
      charts: drawn(traceReuseChart(found, reading)),
    },
  ];
}

function drawn(chart: Chart | null): Chart[] {
  return chart === null ? [] : [chart];
}
