import type { Manifest } from '../schema/manifest.ts';
import type { RecordBatch } from '../core/record.ts';
import type { Scrape } from '../schema/server-metrics.ts';
import type { Summary } from '../schema/summary.ts';
import { AttainmentCollector } from './attainment.ts';
import { DiagnosisCollector } from './diagnosis/diagnosis.ts';
import { FluidityCollector, hasDeadlines } from './fluidity.ts';
import { LatencyCollector } from './latency.ts';
import { HeldCollector } from './held.ts';
import { ExcludedCollector } from './excluded.ts';
import { RecordsDigest } from './records-digest.ts';
import { ServerCollector } from './server.ts';
import { SessionsCollector } from './sessions.ts';
import { SloScalesCollector } from './slo-scales.ts';
import { CachedTokensCollector } from './cached-tokens.ts';
import { stoppedRecords } from './stopped.ts';
import { perSecond, TrafficCollector } from './traffic.ts';
import { ValidityCollector } from './validity.ts';
import { warningsOf } from './warnings.ts';

/**
 * All figures of a run, in one pass over its records. Only records with `measured` enter the metrics: load, latency and
 * throughput are of the same requests. The client's CPU and stalls, Little's law (whose other side was sampled over the
 * whole run) and the digest cover all records. The result does not depend on the order of the records; scrapes are in
 * order of time. `sloScales`: the SLO's limits times each of them are judged too. `dueRanks` (virtual time): the place of
 * each record in due order; without it the digest keeps all of them in memory.
 */
export async function summarise(
  records: AsyncIterable<RecordBatch>,
  manifest: Manifest,
  scrapes: AsyncIterable<Scrape> | null = null,
  sloScales: readonly number[] = [],
  dueRanks: Uint32Array | null = null,
): Promise<Summary> {
  const slo = manifest.slo?.limits_ms ?? null;
  const latency = new LatencyCollector();
  const isStopped = stoppedRecords(manifest);
  const traffic = new TrafficCollector();
  const held = new HeldCollector(manifest.max_in_flight);
  const cached = new CachedTokensCollector(manifest);
  const attainment = slo === null ? null : new AttainmentCollector(slo);
  const scales = sloScales.length === 0 ? null : new SloScalesCollector(manifest, sloScales);
  const fluidity = slo !== null && hasDeadlines(slo) ? new FluidityCollector(slo) : null;
  const excluded = new ExcludedCollector(manifest);
  const sessions = new SessionsCollector(manifest);
  const validity = new ValidityCollector(manifest);
  const diagnosis = new DiagnosisCollector(manifest);
  const digest = manifest.clock === 'virtual' ? new RecordsDigest(dueRanks) : null;
  let inFlightUs = 0;

  for await (const batch of records)
    for (const record of batch) {
      validity.add(record);
      digest?.add(record);
      if (record.outcome === 'ok') cached.add(record);
      if (record.sent_us !== null && record.end_us !== null) inFlightUs += record.end_us - record.sent_us;
      const stopped = isStopped(record);
      diagnosis.add(record, record.measured && !stopped);
      if (!record.measured) {
        excluded.add(record);
        continue;
      }
      traffic.add(record, stopped);
      held.add(record, stopped);
      sessions.add(record, stopped);
      scales?.add(record);
      if (stopped) continue;
      latency.add(record);
      attainment?.add(record);
      fluidity?.add(record);
    }

  const { fromDue, ok, service } = latency.tables();
  const delivered = withDuration(traffic.delivered(cached.result()), manifest);
  const left_out = excluded.result();
  const summary = {
    ...identity(manifest),
    validity: validity.result(),
    requests: traffic.requests(),
    left_out,
    workload: {
      name: manifest.workload.name,
      ...plannedLoad(manifest, left_out, traffic.plannedRate()),
      bad_rows: manifest.workload.bad_rows,
      ...traffic.plannedLengths(),
      prompts: manifest.prompts?.lengths ?? null,
      prefix_reuse: manifest.workload.prefix_reuse ?? null,
    },
    delivered,
    held: held.result(),
    throughput: {
      ...traffic.throughput(delivered.duration_s),
      good_requests_per_s: attainment === null ? null : perSecond(attainment.good, delivered.duration_s),
    },
    latency_ms: fromDue,
    latency_ok_ms: ok,
    service_latency_ms: service,
    clock_error_ms: clockErrorMs(manifest, delivered.got.output_tokens_mean),
    little_law_error: littleLawError(manifest, inFlightUs),
    slo: sloOf(manifest, attainment, scales),
    sessions: sessions.result(),
    fluidity: fluidity?.result() ?? null,
    server: await serverOf(scrapes, manifest, diagnosis),
    records_sha256: digest?.sha256() ?? null,
  };
  const warnings = warningsOf(summary, manifest);
  return { ...summary, warnings, diagnosis: diagnosis.result(summary, manifest, warnings) };
}

/** Scrapes, in order of time, as figures and for the diagnosis. */
async function serverOf(
  scrapes: AsyncIterable<Scrape> | null,
  manifest: Manifest,
  diagnosis: DiagnosisCollector,
): Promise<Summary['server']> {
  const server = new ServerCollector(manifest);
  for await (const scrape of scrapes ?? []) {
    server.add(scrape);
    diagnosis.addScrape(scrape);
  }
  return server.result();
}

/** Identity of the run, its target, and how it ended. The workload's name and the SLO stand beside their figures. */
function identity({
  run_id,
  status,
  reason,
  target: { spec, kind, model },
  plan_sha256,
}: Manifest): Pick<Summary, 'schema' | 'run_id' | 'status' | 'reason' | 'target' | 'plan_sha256'> {
  return { schema: 1, run_id, status, reason, target: { spec, kind, model }, plan_sha256 };
}

function sloOf(
  { slo }: Manifest,
  attainment: AttainmentCollector | null,
  scales: SloScalesCollector | null,
): Summary['slo'] {
  if (slo === null || attainment === null) return null;
  const scaled = scales?.result();
  return { limits_ms: slo.limits_ms, at: slo.at, ...attainment.result(), ...scaled };
}

/** Where it is not known when requests were sent, rates are of the duration that the tool measured. */
function withDuration(delivered: Summary['delivered'], { imported }: Manifest): Summary['delivered'] {
  if (imported?.starts !== 'unknown') return delivered;
  return { ...delivered, duration_s: imported.duration_s ?? 0 };
}

/** The plan's load between warm-up and cool-down. */
function plannedLoad(
  { workload: { requests, duration_s, rate_rps }, sessions }: Manifest,
  left_out: Summary['left_out'],
  rateRps: number,
): Pick<Summary['workload'], 'requests' | 'duration_s' | 'rate_rps'> {
  if (left_out === null) return { requests: requests - (sessions?.primed ?? 0), duration_s, rate_rps };
  const measured = requests - left_out.warmup_requests - left_out.cooldown_requests;
  const spanS = left_out.to_s - left_out.from_s;
  return { requests: measured, duration_s: spanS, rate_rps: rateRps };
}

/** The clock error of a latency: of TPOT that of its two ends, over the gaps of a mean answer. */
function clockErrorMs({ certificate }: Manifest, outputTokens: number | null): Summary['clock_error_ms'] {
  const error = certificate?.timestamp_error_us ?? null;
  if (error === null) return null;
  const ms = error.p99 / 1000;
  return { ttft: ms, tpot: ms / Math.max(1, (outputTokens ?? 0) - 1), itl: ms, e2e: ms };
}

/** Requests in flight as the client sampled them, against rate times time in system: two ways to the same number. */
function littleLawError({ client }: Manifest, inFlightUs: number): number | null {
  if (client === null || inFlightUs === 0 || client.duration_s === 0) return null;
  const expected = inFlightUs / 1e6 / client.duration_s;
  return Math.abs(client.mean_in_flight - expected) / expected;
}
