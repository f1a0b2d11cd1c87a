import type { ReportData } from '../../reports/data/report-data.ts';
import { LatencyRequests } from '../../reports/data/latency-requests.ts';
import { latencyTimelines } from '../../reports/data/latency-timeline.ts';
import { TimelineCollector } from '../../reports/data/timeline.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';

/** What the panels over time draw of a run without a server's metrics. */
export function overTime(
  records: readonly RequestRecord[],
  slo: Slo | null,
): Pick<ReportData, 'timeline' | 'latency_timelines' | 'server'> {
  const [collector, latencies] = [new TimelineCollector(slo), new LatencyRequests({})];
  for (const record of records) {
    collector.add(record);
    latencies.add(record);
  }
  const timeline = collector.result();
  return { timeline, latency_timelines: latencyTimelines(latencies, timeline), server: null };
}
