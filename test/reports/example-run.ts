import type { Manifest } from '../../src/schema/manifest.ts';
import { meanRate } from '../../src/core/rate.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { RecordBatch, RequestRecord } from '../../src/core/record.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import { parseSlo } from '../../src/core/slo.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { unsentRecord } from '../../src/replay/unsent-record.ts';

export interface ExampleRun {
  readonly manifest: Manifest;
  readonly summary: Summary;
  readonly records: readonly RequestRecord[];
}

export interface ExampleOptions {
  readonly requests: number;
  /** Null: no SLO. */
  readonly slo: string | null;
  /** What becomes of a request instead of an answer, by its index and due time; null: it is answered. */
  readonly fate?: (index: number, dueUs: number) => Partial<RequestRecord> | null;
  /** The requests are turns of so many sessions, each in turn, later than planned; absent: of none. */
  readonly sessions?: number;
  readonly manifest?: Partial<Manifest>;
  readonly maxOutputTokens?: number;
  /** Scales of the SLO that it is judged by as well. */
  readonly sloScales?: readonly number[];
  /** What the server told of itself meanwhile. */
  readonly scrapes?: (records: readonly RequestRecord[]) => AsyncIterable<Scrape>;
}

/**
 * A run like one of Azure's conversation traces: a bursty stream at about 5 requests a second, prompts of some
 * thousand tokens, TTFT of 30 to 300 ms that grows with the prompt and the load, TPOT of 7 to 15 ms. Seeded.
 */
export async function exampleRun(options: ExampleOptions): Promise<ExampleRun> {
  const { scrapes, sloScales = [] } = options;
  const records = exampleRecords(options);
  const manifest = exampleManifest(records, options);
  return {
    manifest,
    records,
    summary: await summarise(inBatches(records), manifest, scrapes?.(records) ?? null, sloScales),
  };
}

export async function* inBatches(records: readonly RequestRecord[], size = 1000): AsyncGenerator<RecordBatch> {
  for (let i = 0; i < records.length; i += size) yield records.slice(i, i + size);
}

function exampleRecords({ requests, fate, sessions = 0, maxOutputTokens = 600 }: ExampleOptions): RequestRecord[] {
  const random = randomStream(7, 'example');
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
  const records: RequestRecord[] = [];
  let dueUs = 0;
  for (let index = 0; index < requests; index++) {
    const burst = 1 + 0.8 * Math.sin((2 * Math.PI * dueUs) / 25e6);
    dueUs += Math.round((-Math.log(1 - uniform(random)) / (5 * burst)) * 1e6);
    const input = Math.round(Math.min(7000, Math.exp(6.8 + 0.8 * normal())));
    const output = Math.max(1, Math.round(Math.min(maxOutputTokens, Math.exp(4.7 + 0.7 * normal()))));
    const ttftUs = Math.round((22 + input * 0.035 * burst + 12 * Math.exp(0.6 * normal())) * 1000);
    const tpotUs = (7 + 2.6 * burst * Math.exp(0.25 * normal())) * 1000;
    records.push(answered(index, dueUs, { input, output, ttftUs, tpotUs, jitter: () => uniform(random) }));
    const other = fate?.(index, dueUs) ?? null;
    if (other !== null) records[index] = { ...withoutAnswer(index, dueUs, input, output), ...other };
  }
  return sessions === 0 ? records : records.map((record, index) => asTurn(record, index, sessions));
}

/** A turn that the answers before it made 30 ms later each. */
function asTurn(record: RequestRecord, index: number, sessions: number): RequestRecord {
  const turn = Math.floor(index / sessions);
  const planned_us = Math.max(0, record.due_us - turn * 30_000);
  return { ...record, session_id: `s${index % sessions}`, turn, planned_us };
}

function answered(
  index: number,
  due_us: number,
  answer: { input: number; output: number; ttftUs: number; tpotUs: number; jitter: () => number },
): RequestRecord {
  const { input, output, ttftUs, tpotUs, jitter } = answer;
  const times = new Float64Array(output);
  let time = ttftUs;
  for (let i = 0; i < output; i++) {
    times[i] = Math.round(time);
    time += tpotUs * (0.8 + 0.4 * jitter());
  }
  return {
    ...withoutAnswer(index, due_us, input, output),
    sent_us: due_us + 40,
    first_token_us: due_us + ttftUs,
    end_us: due_us + (times.at(-1) ?? 0) + 300,
    input_tokens: input,
    output_tokens: output,
    token_times_us: times,
    token_count_source: 'token_ids',
    token_time_source: 'client',
    outcome: 'ok',
    http_status: 200,
    finish_reason: 'length',
  };
}

function withoutAnswer(index: number, dueUs: number, inputTokens: number, outputTokens: number): RequestRecord {
  return unsentRecord({ id: `r${index}`, traceRow: index + 2, dueUs, inputTokens, outputTokens }, dueUs, {
    target: 'reference:vllm',
    window: null,
    worker: 0,
  });
}

export function exampleManifest(records: readonly RequestRecord[], { slo, manifest }: ExampleOptions): Manifest {
  const durationS = (records.at(-1)?.due_us ?? 0) / 1e6;
  return {
    schema: 1,
    run_id: '20261121T081500Z-azure-conv-reference-vllm',
    status: 'complete',
    reason: null,
    command: ['reprise', 'run', 'azure-conv.csv', '--target', 'reference:vllm', '--slo', slo ?? 'none', '--seed', '1'],
    options: null,
    pid: 4711,
    started_at: '2026-11-21T08:15:00.000Z',
    ended_at: '2026-11-21T08:16:05.000Z',
    versions: { reprise: '0.1.0', node: '24.21.0' },
    machine: { os: 'linux 6.8 x64', cpu: 'AMD EPYC 9554', cores: 8, memory_bytes: 32 * 2 ** 30 },
    clock: 'real',
    seed: 1,
    salt: null,
    plan_sha256: '3b5d5c3712955042212316173ccf37be800a21f5c5f4a2a1f2d4b7e8c9d0a1b2',
    workload: {
      name: 'azure-conv.csv',
      format: 'azure',
      path: '/traces/azure-conv.csv',
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      transforms: [
        { op: 'window', args: { from_s: 600, to_s: 660 } },
        { op: 'limit', args: { requests: records.length } },
      ],
      on_bad_row: 'fail',
      bad_rows: 0,
      warnings: [],
      requests: records.length,
      duration_s: durationS,
      rate_rps: meanRate(records.length, records[0]?.due_us ?? 0, durationS * 1e6) ?? 0,
      input_tokens: records.reduce((sum, record) => sum + (record.input_tokens_planned ?? 0), 0),
      output_tokens: records.reduce((sum, record) => sum + (record.output_tokens_planned ?? 0), 0),
    },
    measured: null,
    ignore_eos: true,
    stream: true,
    temperature: 0,
    extra_body: null,
    prepared: null,
    target: {
      spec: 'reference:vllm,model=llama-3-8b,gpu=h100',
      kind: 'reference',
      adapter: 'reference',
      model: 'llama-3-8b',
      facts: { system: 'vllm', model: 'llama-3-8b', gpu: 'h100', tp: 1, token_budget: 2048, max_seqs: 256 },
    },
    slo: slo === null ? null : { text: slo, limits_ms: parseSlo(slo), at: 0.9 },
    timeout_s: 600,
    ttft_timeout_s: 60,
    max_in_flight: null,
    workers: 1,
    client: {
      duration_s: durationS + 5,
      machine_zero_us: 0,
      cpu_s: 4.1,
      polling_s: 3.2,
      reading_s: 0.6,
      core_wait_s: 0.016 * (durationS + 5),
      event_loop_delay_ms: { p50: 0.04, p90: 0.11, p99: 0.42, max: 2.3 },
      gc: { total_s: 0.4, longest_ms: 3.2, longest_at_us: 12e6 },
      unread: { total_s: 0.05, longest_ms: 2.4, longest_at_us: 31e6 },
      stalls: [],
      mean_in_flight: 7.4,
    },
    ...manifest,
  };
}
