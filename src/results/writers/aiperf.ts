import { join } from 'node:path';
import type { RequestRecord } from '../../core/record.ts';
import { commonLimits, type Limits } from '../../core/slo.ts';
import { idPrefix, requestIdHeader } from '../../core/request-id.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { UserError } from '../../core/errors.ts';
import { contextOf, hasStarts, isChat, writtenBy, type CountedRun } from '../counted-run.ts';
import { answerOf, inputTokensOf, startOf, type Answer } from '../peers/answer.ts';
import { Distribution, type Statistics } from '../peers/distribution.ts';
import { chunkGaps, meanGapUs } from '../peers/peer.ts';
import { peerFigures, type PeerFigures } from '../peers/peer-figures.ts';
import { PEERS } from '../peers/peers.ts';
import { DueOrder, each } from './due-order.ts';
import { failureText } from './failure-text.ts';
import { fillFile } from './file-sink.ts';

/** The version of AIPerf's export that is written. */
const SCHEMA_VERSION = '1.5';

/** The percentiles by AIPerf's names of them. */
const PERCENTILES = [
  ['p1', 10],
  ['p5', 50],
  ['p10', 100],
  ['p25', 250],
  ['p50', 500],
  ['p75', 750],
  ['p90', 900],
  ['p95', 950],
  ['p99', 990],
] as const;

/** What is in AIPerf's two files: figures of the run, and a line a request, in the order in which requests ended. */
export async function writeAiperf(run: CountedRun, folder: string): Promise<string[]> {
  const { imported, run_id } = run.manifest;
  if (imported !== undefined && !hasStarts(run.manifest))
    throw new UserError(
      `--export aiperf: ${run_id}: the file of ${imported.tool} does not say when requests were sent, which AIPerf's records have to; export vllm, which need not`,
    );
  const [totals, lines] = [join(folder, 'profile_export_aiperf.json'), join(folder, 'profile_export.jsonl')];
  const slo = run.manifest.slo?.limits_ms ?? null;
  const figures = await peerFigures(PEERS.aiperf[0], run.records(), slo, contextOf(run.manifest));
  const seen = new Seen();
  for await (const record of each(run.records())) seen.add(record);
  await fillFile(totals, async (sink) => sink.write(`${JSON.stringify(totalsOf(run, figures, seen), null, 2)}\n`));
  await fillFile(lines, async (sink) => {
    const clock = new WallClock(run.manifest);
    const numbers = seen.sessionNumbers();
    let at = 0;
    for await (const record of each(run.records()))
      sink.write(`${lineOf(record, numbers[at++] ?? 0, clock, run.manifest)}\n`);
  });
  return [totals, lines];
}

/** Lengths, failures and sessions of a run. */
class Seen {
  readonly inputs = new Distribution();
  readonly outputs = new Distribution();
  readonly failures = new Map<string, { readonly record: RequestRecord; count: number }>();
  readonly #order = new DueOrder();
  readonly #sessions: (string | null)[] = [];

  add(record: RequestRecord): void {
    this.#order.add(record);
    this.#sessions.push(record.session_id);
    const answer = answerOf(record);
    if (answer !== null) {
      const input = inputTokensOf(record);
      if (input !== null) this.inputs.push(input);
      this.outputs.push(answer.tokens);
      return;
    }
    const text = failureText(record);
    const failure = this.failures.get(text) ?? { record, count: 0 };
    failure.count++;
    this.failures.set(text, failure);
  }

  /** Number of the session of each record, in the order in which sessions began; a request without one is its own. */
  sessionNumbers(): Uint32Array {
    const numbers = new Uint32Array(this.#sessions.length);
    const known = new Map<string, number>();
    let next = 0;
    for (const record of this.#order.records()) {
      const session = this.#sessions[record] ?? null;
      const number = session === null ? undefined : known.get(session);
      numbers[record] = number ?? next++;
      if (session !== null && number === undefined) known.set(session, numbers[record] ?? 0);
    }
    return numbers;
  }
}

function totalsOf({ manifest }: CountedRun, figures: PeerFigures, seen: Seen): Record<string, unknown> {
  const { requests, answered, answeredDurationS, good } = figures;
  const [inputs, outputs] = [seen.inputs.statistics('linear'), seen.outputs.statistics('linear')];
  const perSecond = (count: number | undefined): number | null =>
    count === undefined || answeredDurationS === 0 ? null : count / answeredDurationS;
  return {
    schema_version: SCHEMA_VERSION,
    aiperf_version: writtenBy(manifest),
    benchmark_id: manifest.run_id,
    ...scalar('request_throughput', 'requests/sec', perSecond(answered)),
    ...distribution('request_latency', 'ms', figures.e2eUs, 1000),
    ...distribution('time_to_first_token', 'ms', figures.ttftUs, 1000),
    ...distribution('inter_token_latency', 'ms', figures.itlUs, 1000),
    ...scalar('output_token_throughput', 'tokens/sec', perSecond(outputs?.sum)),
    ...distribution('output_sequence_length', 'tokens', outputs, 1),
    ...distribution('input_sequence_length', 'tokens', inputs, 1),
    ...(good === null ? {} : scalar('goodput', 'requests/sec', good.perSecond)),
    ...(good === null ? {} : scalar('good_request_count', 'requests', good.requests)),
    ...scalar('request_count', 'requests', answered),
    ...scalar('error_request_count', 'requests', requests - answered),
    ...scalar('total_isl', 'tokens', inputs?.sum ?? null),
    ...scalar('total_osl', 'tokens', outputs?.sum ?? null),
    ...scalar('benchmark_duration', 'sec', answeredDurationS),
    input_config: inputConfig(manifest, requests),
    error_summary: [...seen.failures.values()].map(({ record, count }) => ({ error_details: errorOf(record), count })),
    start_time: manifest.started_at,
    ...(manifest.ended_at === null ? {} : { end_time: manifest.ended_at }),
    was_cancelled: manifest.status === 'interrupted',
    is_complete: manifest.status === 'complete',
    ...(manifest.reason === null ? {} : { incomplete_reason: manifest.reason }),
  };
}

/** A figure that there is none of is left out, as AIPerf does. */
function scalar(tag: string, unit: string, avg: number | null): Record<string, unknown> {
  return avg === null ? {} : { [tag]: { unit, avg } };
}

function distribution(tag: string, unit: string, of: Statistics | null, per: number): Record<string, unknown> {
  if (of === null) return {};
  return {
    [tag]: {
      unit,
      avg: of.mean / per,
      ...Object.fromEntries(PERCENTILES.map(([name, permille]) => [name, of.at(permille) / per])),
      min: of.min / per,
      max: of.max / per,
      std: of.std / per,
      count: of.n,
      sum: of.sum / per,
    },
  };
}

function inputConfig(manifest: Manifest, requests: number): Record<string, unknown> {
  const { target, workload, seed, slo, max_in_flight } = manifest;
  return {
    endpoint: {
      model_names: [target.model ?? target.spec],
      type: manifest.imported === undefined ? (isChat(manifest) ? 'chat' : 'completions') : target.adapter,
      streaming: true,
      ...(target.kind === 'url' ? { urls: [target.spec] } : {}),
    },
    input: {
      file: workload.path,
      random_seed: seed,
      ...(slo === null ? {} : { goodput: goodputOf(commonLimits(slo.limits_ms)) }),
    },
    loadgen: {
      request_count: requests,
      ...(workload.rate_rps > 0 ? { request_rate: workload.rate_rps } : {}),
      ...(max_in_flight === null ? {} : { concurrency: max_in_flight }),
    },
  };
}

/** The limits by AIPerf's metrics, in milliseconds. */
function goodputOf({ ttft, tpot, e2e }: Limits): Record<string, number> {
  return {
    ...(ttft === undefined ? {} : { time_to_first_token: ttft }),
    ...(tpot === undefined ? {} : { inter_token_latency: tpot }),
    ...(e2e === undefined ? {} : { request_latency: e2e }),
  };
}

function errorOf(record: RequestRecord): { code: number | null; type: string; message: string } {
  return { code: record.http_status, type: record.outcome, message: record.error ?? failureText(record) };
}

/** Nanoseconds since 1970 of a time of the run: more digits than a number holds. */
class WallClock {
  readonly #startNs: bigint;

  constructor({ started_at }: Manifest) {
    this.#startNs = BigInt(Date.parse(started_at)) * 1_000_000n;
  }

  ns(us: number): string {
    return String(this.#startNs + BigInt(Math.round(us)) * 1000n);
  }
}

function lineOf(record: RequestRecord, session: number, clock: WallClock, { run_id }: Manifest): string {
  const { request_id, session_id, turn, due_us, end_us, worker, outcome } = record;
  const answer = answerOf(record);
  const startUs = startOf(record);
  const conversation = session_id ?? request_id;
  const wasCancelled = outcome === 'cancelled' || outcome === 'cut';
  const endNs = clock.ns(end_us ?? startUs);
  const metadata = [
    ['session_num', String(session)],
    ['x_request_id', JSON.stringify(requestIdHeader(idPrefix(run_id), request_id))],
    ['x_correlation_id', JSON.stringify(conversation)],
    ['conversation_id', JSON.stringify(conversation)],
    ['turn_index', String(turn)],
    ['credit_issued_ns', clock.ns(due_us)],
    ['request_start_ns', clock.ns(startUs)],
    ['request_ack_ns', 'null'],
    ['request_end_ns', endNs],
    ['worker_id', JSON.stringify(`worker_${worker}`)],
    ['record_processor_id', '"reprise"'],
    ['benchmark_phase', '"profiling"'],
    ['was_cancelled', String(wasCancelled)],
    ['cancellation_time_ns', wasCancelled ? endNs : 'null'],
  ];
  const metrics = answer === null ? failedMetrics(record) : answeredMetrics(record, answer);
  const error = answer === null ? errorOf(record) : null;
  const fields = metadata.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',');
  return `{"metadata":{${fields}},"metrics":${JSON.stringify(metrics)},"error":${JSON.stringify(error)}}`;
}

function failedMetrics(record: RequestRecord): Record<string, unknown> {
  const input = inputTokensOf(record);
  return input === null ? {} : { error_isl: { value: input, unit: 'tokens' } };
}

function answeredMetrics(record: RequestRecord, answer: Answer): Record<string, unknown> {
  const { firstUs, lastUs, tokens } = answer;
  const input = inputTokensOf(record);
  const itlUs = meanGapUs(firstUs, lastUs, tokens);
  const gaps: number[] = [];
  if (answer.hasGaps) chunkGaps(answer, (us) => gaps.push(us / 1000));
  const reasoning = record.reasoning_tokens;
  return {
    ...(input === null ? {} : { input_sequence_length: { value: input, unit: 'tokens' } }),
    output_sequence_length: { value: tokens, unit: 'tokens' },
    output_token_count: { value: tokens - Math.min(tokens, reasoning ?? 0), unit: 'tokens' },
    ...(reasoning === null ? {} : { reasoning_token_count: { value: Math.min(tokens, reasoning), unit: 'tokens' } }),
    time_to_first_token: { value: firstUs / 1000, unit: 'ms' },
    request_latency: { value: lastUs / 1000, unit: 'ms' },
    ...(itlUs === null ? {} : { inter_token_latency: { value: itlUs / 1000, unit: 'ms' } }),
    ...(gaps.length === 0 ? {} : { inter_chunk_latency: { value: gaps, unit: 'ms' } }),
  };
}
