import {
  type RecordBatch,
  type RequestRecord,
  TOKEN_COUNT_SOURCES,
  type TokenCountSource,
} from '../../src/core/record.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import type { Slo } from '../../src/core/slo.ts';
import type { LatencyMetric, Summary } from '../../src/schema/summary.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { limitUs } from '../../src/metrics/attainment.ts';
import { Samples } from '../../src/metrics/samples.ts';
import { type Ecdf, ecdfOf } from './ecdf.ts';
import { FailureCounts, type FailureKind } from './failures.ts';
import { GapCounts } from './gap-counts.ts';
import { LatencyMapCollector, type LatencyMaps } from './latency-maps.ts';
import { MissCollector, type Misses } from './misses.ts';
import { type RequestSample, RequestSampler } from './request-sample.ts';
import { ServerSeries, type ServerTimeline } from './server-timeline.ts';
import { type SloPlane, SloPlaneCollector } from './slo-plane.ts';
import { type Timeline, TimelineCollector } from './timeline.ts';

/** What a report draws, aggregated from records: its size does not depend on the size of the run. */
export interface ReportData {
  readonly ttft: Ecdf;
  readonly tpot: Ecdf;
  readonly itl: Ecdf;
  readonly e2e: Ecdf;
  /** Answered requests with one token: no TPOT, and in an SLO counted as met. */
  readonly without_tpot: number;
  readonly slo_plane: SloPlane;
  /** Null without an SLO. */
  readonly misses: Misses | null;
  readonly maps: LatencyMaps;
  readonly timeline: Timeline;
  /** Null where the server told nothing of itself. */
  readonly server: ServerTimeline | null;
  readonly sample: RequestSample;
  readonly failures: readonly FailureKind[];
  readonly token_count_sources: Readonly<Partial<Record<TokenCountSource, number>>>;
}

const FAILURES_SHOWN = 8;

/** One pass over a run's records. Figures are of measured requests; only what was in flight, and the timeline, of all. */
export async function collectReportData(
  records: AsyncIterable<RecordBatch>,
  summary: Summary,
  scrapes: AsyncIterable<Scrape> | null = null,
): Promise<ReportData> {
  const limits = summary.slo?.limits_ms ?? {};
  const timeline = new TimelineCollector(summary.slo?.limits_ms ?? null, summary.left_out);
  const latencies = new Latencies();
  const misses = summary.slo === null ? null : new MissCollector(limits);
  const sample = new RequestSampler();
  const maps = new LatencyMapCollector();
  const plane = new SloPlaneCollector(limits);
  const failures = new FailureCounts();
  const sources = new Map<TokenCountSource, number>();
  for await (const batch of records)
    for (const record of batch) {
      timeline.add(record);
      maps.add(record);
      if (!record.measured) continue;
      failures.add(record);
      latencies.add(record);
      sample.add(record);
      plane.add(record);
      misses?.add(record);
      const source = record.token_count_source;
      if (source !== null) sources.set(source, (sources.get(source) ?? 0) + 1);
    }
  const server = new ServerSeries();
  for await (const scrape of scrapes ?? []) server.add(scrape);
  const overTime = timeline.result();
  return {
    ...latencies.ecdfs(limits),
    slo_plane: plane.result(),
    misses: misses?.result() ?? null,
    maps: maps.result(),
    timeline: overTime,
    server: server.over(overTime),
    sample: sample.result(),
    failures: failures.mostCommon(FAILURES_SHOWN),
    token_count_sources: Object.fromEntries(
      TOKEN_COUNT_SOURCES.flatMap((source) => (sources.has(source) ? [[source, sources.get(source) ?? 0]] : [])),
    ),
  };
}

class Latencies {
  readonly #ttft = new Samples();
  readonly #tpot = new Samples();
  readonly #e2e = new Samples();
  readonly #gaps = new GapCounts();
  #failed = 0;
  #tokensThatDidNotCome = 0;

  add(record: RequestRecord): void {
    this.#gaps.add(record.token_times_us);
    if (!isAnswered(record)) {
      this.#failed++;
      this.#tokensThatDidNotCome += Math.max(0, (record.output_tokens_planned ?? 0) - record.token_times_us.length);
      return;
    }
    this.#ttft.push(ttftUs(record));
    const tpot = tpotUs(record);
    if (tpot !== null) this.#tpot.push(tpot);
    this.#e2e.push(e2eUs(record));
  }

  ecdfs(limits: Slo): Pick<ReportData, LatencyMetric | 'without_tpot'> {
    return {
      ttft: ecdfOf(this.#ttft.sorted(), this.#failed, limitOrNull(limits.ttft)),
      tpot: ecdfOf(this.#tpot.sorted(), this.#failed, limitOrNull(limits.tpot)),
      e2e: ecdfOf(this.#e2e.sorted(), this.#failed, limitOrNull(limits.e2e)),
      itl: this.#gaps.ecdf(this.#tokensThatDidNotCome),
      without_tpot: this.#ttft.length - this.#tpot.length,
    };
  }
}

function limitOrNull(limitMs: number | undefined): number | null {
  return limitMs === undefined ? null : limitUs(limitMs);
}
