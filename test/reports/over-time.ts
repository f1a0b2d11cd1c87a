import type { ReportData } from '../../reports/data/report-data.ts';
import { LatencyTimelineCollector } from '../../reports/data/latency-timeline.ts';
import { TimelineCollector } from '../../reports/data/timeline.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';

/** What the panels over time draw of a run without a server's metrics. */
export function overTime(
  records: readonly RequestRecord[],
  slo: Slo | null,
): Pick<ReportData, 'timeline' | 'latency_timelines' | 'server'> {
  const [collector, latencies] = [new TimelineCollector(slo), new LatencyTimelineCollector()];
  for (const record of records) {
    collector.add(record);
    latencies.add(record);
  }
  const timeline = collector.result();
  return { timeline, latency_timelines: latencies.over(timeline), server: null };
}
