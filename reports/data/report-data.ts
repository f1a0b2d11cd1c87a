import {
  type RecordBatch,
  type RequestRecord,
  TOKEN_COUNT_SOURCES,
  type TokenCountSource,
} from '../../src/core/record.ts';
import { idPrefix } from '../../src/core/request-id.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import { commonLimits, type Limits } from '../../src/core/slo.ts';
import type { Imported, Manifest } from '../../src/schema/manifest.ts';
import { limitUs } from '../../src/metrics/judge.ts';
import { stoppedRecords } from '../../src/metrics/stopped.ts';
import { hasKnownGaps } from '../../src/metrics/request-latency.ts';
import { Concurrency } from '../../src/metrics/concurrency.ts';
import { keepOnly } from '../../src/metrics/keep-only.ts';
import { release } from '../../src/core/release.ts';
import { type Ecdf, ecdfOf } from './ecdf.ts';
import { GapCounts } from './gap-counts.ts';
import { latencyTimelines, type LatencyTimelines } from './latency-timeline.ts';
import { latencyMaps, type LatencyMaps } from './latency-maps.ts';
import { LatencyRequests } from './latency-requests.ts';
import { MissCollector, type Misses } from './misses.ts';
import { type RequestSample, RequestSampler } from './request-sample.ts';
import { type SampledSession, SessionChooser, SessionTurns } from './session-sample.ts';
import { ServerSeries, type ServerTimeline } from './server-timeline.ts';
import { type SloPlane, sloPlane } from './slo-plane.ts';
import { type Timeline, TimelineCollector } from './timeline.ts';

/** The data of a report's charts, aggregated from records: its size does not grow with the run. */
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
  readonly latency_timelines: LatencyTimelines;
  /** Null without a readable scrape of the server's /metrics. */
  readonly server: ServerTimeline | null;
  readonly sample: RequestSample;
  /** Empty without sessions, and where the records could be read once only. */
  readonly sessions: readonly SampledSession[];
  /** What the due times of an imported run are; null: they were Reprise's own. */
  readonly starts: Imported['starts'] | null;
  /** What the `X-Request-Id` of the calls begin with; null where none are known: in virtual time, and of an imported run. */
  readonly id_prefix: string | null;
  readonly token_count_sources: Readonly<Partial<Record<TokenCountSource, number>>>;
}

/** One pass over a run's records, and with `again` a second one where it has sessions. Only measured requests count, except in the timeline and as requests in flight. */
export async function collectReportData(
  records: AsyncIterable<RecordBatch>,
  manifest: Manifest,
  scrapes: AsyncIterable<Scrape> | null = null,
  again: (() => AsyncIterable<RecordBatch>) | null = null,
): Promise<ReportData> {
  const collector = new ReportDataCollector(manifest);
  for await (const batch of records) for (const record of batch) collector.add(record);
  for await (const scrape of scrapes ?? []) collector.addScrape(scrape);
  const turns = new SessionTurns(collector.sessions());
  if (again !== null && turns.isWanted)
    for await (const batch of again()) for (const record of batch) turns.add(record);
  return { ...collector.result(), sessions: turns.result() };
}

/** What the `X-Request-Id` of a run's calls begin with; null where none are known: in virtual time, and of an imported run. */
export function idPrefixOf({ clock, run_id, imported }: Manifest): string | null {
  return clock === 'virtual' || imported !== undefined ? null : idPrefix(run_id);
}

/** Takes nothing from the summary, so that one pass over the records can serve both. */
class ReportDataCollector {
  readonly #idPrefix: string | null;
  readonly #starts: Imported['starts'] | null;
  /** Those of all requests alike. */
  readonly #limits: Limits;
  readonly #isStopped: (record: RequestRecord) => boolean;
  readonly #latencies: LatencyRequests;
  readonly #gaps = new GapCounts();
  /** Those that the plane judges by, and the share of requests that is wanted. */
  readonly #planeLimits: Limits;
  readonly #at: number | undefined;
  readonly #misses: MissCollector | null;
  /** Requests of warm-up and cool-down too. */
  readonly #inFlight = new Concurrency();
  readonly #timeline: TimelineCollector;
  readonly #server: ServerSeries;
  readonly #sample = new RequestSampler();
  readonly #sessions = new SessionChooser();
  readonly #sources = new Map<TokenCountSource, number>();

  constructor(manifest: Manifest) {
    const { slo, measured, imported } = manifest;
    this.#idPrefix = idPrefixOf(manifest);
    this.#starts = imported?.starts ?? null;
    this.#isStopped = stoppedRecords(manifest);
    this.#limits = commonLimits(slo?.limits_ms ?? {});
    this.#server = new ServerSeries(manifest.clock);
    this.#planeLimits = slo?.limits_ms.by_class === undefined ? this.#limits : {};
    this.#at = slo?.at;
    this.#latencies = new LatencyRequests(this.#planeLimits);
    this.#misses = slo === null ? null : new MissCollector(slo.limits_ms);
    this.#timeline = new TimelineCollector(slo?.limits_ms ?? null, measured, this.#inFlight);
  }

  /** Each record once, in any order. */
  add(record: RequestRecord): void {
    const isStopped = this.#isStopped(record);
    if (isStopped && record.outcome === 'unsent') return;
    this.#timeline.add(record, isStopped);
    if (!record.measured || isStopped) return;
    this.#latencies.add(record);
    if (hasKnownGaps(record)) this.#gaps.add(record.token_times_us);
    this.#misses?.add(record);
    this.#sample.add(record);
    this.#sessions.add(record);
    const source = record.token_count_source;
    if (source !== null) this.#sources.set(source, (this.#sources.get(source) ?? 0) + 1);
  }

  /** In order of time. */
  addScrape(scrape: Scrape): void {
    this.#server.add(scrape);
  }

  /** The sessions to show. */
  sessions(): ReturnType<SessionChooser['chosen']> {
    return this.#sessions.chosen();
  }

  result(): Omit<ReportData, 'sessions'> {
    const requests = this.#latencies;
    const timeline = this.#timeline.result();
    const ecdf = (us: Float64Array<ArrayBuffer>, metric: 'ttft' | 'tpot' | 'e2e'): Ecdf => {
      const limitMs = this.#limits[metric];
      const known = keepOnly(us, (value) => !Number.isNaN(value));
      const found = ecdfOf(known.sort(), requests.failed, limitMs === undefined ? null : limitUs(limitMs));
      release(us);
      return found;
    };
    const curves = {
      ttft: ecdf(requests.ttftUs(), 'ttft'),
      tpot: ecdf(requests.tpotUs(), 'tpot'),
      e2e: ecdf(requests.e2eUs(), 'e2e'),
    };
    const plane = sloPlane(requests, this.#planeLimits, this.#at);
    const maps = latencyMaps(requests, this.#inFlight);
    const overTime = latencyTimelines(requests, timeline);
    requests.release();
    return {
      ...curves,
      itl: this.#gaps.ecdf(requests.missingTokens),
      without_tpot: overTime.tpot.not_drawn,
      slo_plane: plane,
      misses: this.#misses?.result() ?? null,
      maps,
      timeline,
      latency_timelines: overTime,
      server: this.#server.over(timeline),
      sample: this.#sample.result(),
      starts: this.#starts,
      id_prefix: this.#idPrefix,
      token_count_sources: Object.fromEntries(
        TOKEN_COUNT_SOURCES.flatMap((source) => {
          const count = this.#sources.get(source);
          return count === undefined ? [] : [[source, count]];
        }),
      ),
    };
  }
}
