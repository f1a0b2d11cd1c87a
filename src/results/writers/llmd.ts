import type { RequestRecord } from '../../core/record.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { Summary } from '../../schema/summary.ts';
import { contextOf, type CountedRun } from '../counted-run.ts';
import { answerOf, inputTokensOf, startOf } from '../peers/answer.ts';
import { MAX_UNKNOWN_GAPS } from '../../metrics/latency.ts';
import { Distribution } from '../peers/distribution.ts';
import { meanGapUs } from '../peers/peer.ts';
import { each } from './due-order.ts';
import { fillFile } from './file-sink.ts';

/** The version of llm-d's Benchmark Report that is written. */
const VERSION = '0.2.1';
const LOAD_SCHEMA_VERSION = '0.0.1';

/** The percentiles by the report's names of them. */
const PERCENTILES = [
  ['p0p1', 1],
  ['p1', 10],
  ['p5', 50],
  ['p10', 100],
  ['p25', 250],
  ['p50', 500],
  ['p75', 750],
  ['p90', 900],
  ['p95', 950],
  ['p99', 990],
  ['p99p9', 999],
] as const;

/**
 * llm-d's Benchmark Report as JSON. It allows no null: what is not known is not there. Latencies are those of answered
 * requests from the send, as the tools that it was made for have them, with numpy's percentiles.
 */
export async function writeLlmd(run: CountedRun, file: string): Promise<void> {
  const figures = new Figures();
  for await (const record of each(run.records())) figures.add(record);
  const { manifest, summary } = run;
  const report = {
    version: VERSION,
    run: runOf(manifest, summary),
    scenario: { load: loadOf(manifest, figures) },
    results: {
      request_performance: {
        aggregate: {
          requests: {
            ...requestsOf(summary),
            input_length: statistics(figures.inputs, 'count'),
            output_length: statistics(figures.outputs, 'count'),
          },
          latency: {
            time_to_first_token: statistics(figures.ttftS, 's'),
            time_per_output_token: statistics(figures.tpotS, 's/token'),
            inter_token_latency: figures.hasItl ? statistics(figures.itlS, 's/token') : null,
            request_latency: statistics(figures.e2eS, 's'),
          },
          throughput: figures.throughput(contextOf(manifest).durationS),
        },
      },
      session_performance: figures.sessions(),
    },
  };
  await fillFile(file, async (sink) => sink.write(`${JSON.stringify(withoutNulls(report), null, 2)}\n`));
}

/** In virtual time, and where its end is not known, it ends when it would have had it taken as long as its requests. */
function runOf(
  { run_id, clock, started_at, ended_at, imported, versions }: Manifest,
  { delivered }: Summary,
): Record<string, unknown> {
  const startMs = Date.parse(started_at);
  const endMs = clock === 'virtual' || ended_at === null ? startMs + delivered.duration_s * 1000 : Date.parse(ended_at);
  return {
    uid: run_id,
    description:
      imported === undefined
        ? `reprise${clock === 'virtual' ? ', virtual time: the reference engine, simulated' : ''}`
        : `${imported.tool}, read by reprise ${versions['reprise'] ?? 'unknown'} from ${imported.file}`,
    time: {
      start: started_at,
      end: new Date(endMs).toISOString(),
      duration: `PT${Number(((endMs - startMs) / 1000).toFixed(6))}S`,
    },
  };
}

function loadOf(manifest: Manifest, figures: Figures): Record<string, unknown> {
  const { plan_sha256, versions, prompts, workload, target, slo, seed, salt, clock, options, max_in_flight } = manifest;
  const { imported } = manifest;
  return {
    metadata: { schema_version: LOAD_SCHEMA_VERSION, cfg_id: plan_sha256, description: workload.name },
    standardized: {
      tool: imported?.tool ?? 'reprise',
      tool_version: (imported === undefined ? versions['reprise'] : imported.version) ?? 'unknown',
      source: prompts === undefined ? 'unknown' : 'random',
      stage: 0,
      input_seq_len: lengthOf(figures.plannedInputs) ?? lengthOf(figures.inputs) ?? { distribution: 'other', value: 0 },
      output_seq_len: lengthOf(figures.plannedOutputs),
      ...(workload.rate_rps > 0 ? { rate_qps: workload.rate_rps } : {}),
      // All were due at once.
      concurrency: max_in_flight ?? (workload.rate_rps > 0 ? null : Math.max(1, workload.requests)),
    },
    native: { args: options ?? {}, config: { clock, seed, salt, workload, target, slo, prompts } },
  };
}

/** Lengths by their mean and extremes; null where none are known. */
function lengthOf(lengths: Distribution): Record<string, unknown> | null {
  const known = lengths.statistics('linear');
  if (known === null) return null;
  const { min, max, mean } = known;
  return min === max ? { distribution: 'fixed', value: min } : { distribution: 'other', value: mean, min, max };
}

/** Every scheduled request is ok, failed or incomplete: not sent, or given up by the client. */
function requestsOf({ requests: { scheduled, ok, by_outcome } }: Summary): Record<string, number> {
  const { unsent = 0, cut = 0, cancelled = 0 } = by_outcome;
  const incomplete = unsent + cut + cancelled;
  return { total: scheduled, failures: scheduled - ok - incomplete, incomplete };
}

type Units = 's' | 's/token' | 'count';

function statistics(of: Distribution, units: Units): Record<string, unknown> | null {
  const found = of.statistics('linear');
  if (found === null) return null;
  return {
    units,
    mean: found.mean,
    stddev: found.std,
    min: found.min,
    ...Object.fromEntries(PERCENTILES.map(([name, permille]) => [name, found.at(permille)])),
    max: found.max,
  };
}

interface Session {
  fromUs: number;
  toUs: number;
  failed: boolean;
}

/** One pass over the requests. */
class Figures {
  readonly plannedInputs = new Distribution();
  readonly plannedOutputs = new Distribution();
  /** Of answered requests, as all below. */
  readonly inputs = new Distribution();
  readonly outputs = new Distribution();
  readonly ttftS = new Distribution();
  readonly tpotS = new Distribution();
  readonly itlS = new Distribution();
  readonly e2eS = new Distribution();
  readonly #sessions = new Map<string, Session>();
  #unknownGaps = 0;
  #fromUs = Infinity;
  #toUs = -Infinity;

  add(record: RequestRecord): void {
    const { input_tokens_planned, output_tokens_planned } = record;
    if (input_tokens_planned !== null) this.plannedInputs.push(input_tokens_planned);
    if (output_tokens_planned !== null) this.plannedOutputs.push(output_tokens_planned);
    const startUs = startOf(record);
    const endUs = record.end_us ?? startUs;
    this.#fromUs = Math.min(this.#fromUs, startUs);
    this.#toUs = Math.max(this.#toUs, endUs);
    const answer = answerOf(record);
    this.#addToSession(record, startUs, endUs, answer === null);
    if (answer === null) return;
    const input = inputTokensOf(record);
    if (input !== null) this.inputs.push(input);
    this.outputs.push(answer.tokens);
    this.ttftS.push(answer.firstUs / 1e6);
    this.e2eS.push(answer.endUs / 1e6);
    const tpotUs = meanGapUs(answer.firstUs, answer.lastUs, answer.tokens);
    if (tpotUs !== null) this.tpotS.push(tpotUs / 1e6);
    if (!answer.hasGaps) {
      this.#unknownGaps++;
      return;
    }
    const times = record.token_times_us;
    for (let i = 1; i < times.length; i++) this.itlS.push(((times[i] ?? 0) - (times[i - 1] ?? 0)) / 1e6);
  }

  #addToSession({ session_id }: RequestRecord, fromUs: number, toUs: number, failed: boolean): void {
    if (session_id === null) return;
    const session = this.#sessions.get(session_id);
    if (session === undefined) this.#sessions.set(session_id, { fromUs, toUs, failed });
    else {
      session.fromUs = Math.min(session.fromUs, fromUs);
      session.toUs = Math.max(session.toUs, toUs);
      session.failed ||= failed;
    }
  }

  /** Whether the gaps between tokens are known, but for a few answers. */
  get hasItl(): boolean {
    return this.#unknownGaps <= this.e2eS.length * MAX_UNKNOWN_GAPS;
  }

  /** Of answered requests, over the time of all, or as long as the run took (`durationS`). */
  throughput(durationS: number | null): Record<string, unknown> {
    const seconds = durationS ?? (this.#toUs - this.#fromUs) / 1e6;
    if (!(seconds > 0)) return {};
    const [inputs, outputs] = [this.inputs.statistics('linear'), this.outputs.statistics('linear')];
    const rate = (units: string, count: number): Record<string, unknown> => ({ units, mean: count / seconds });
    const [input, output] = [inputs?.sum ?? 0, outputs?.sum ?? 0];
    return {
      request_rate: rate('queries/s', outputs?.n ?? 0),
      output_token_rate: rate('tokens/s', output),
      input_token_rate: rate('tokens/s', input),
      total_token_rate: rate('tokens/s', input + output),
    };
  }

  /** Null where no request is of a session. */
  sessions(): Record<string, unknown> | null {
    if (this.#sessions.size === 0) return null;
    const durations = new Distribution();
    let failed = 0;
    for (const session of this.#sessions.values()) {
      durations.push((session.toUs - session.fromUs) / 1e6);
      if (session.failed) failed++;
    }
    const total = this.#sessions.size;
    return {
      sessions: { total, succeeded: total - failed, failed, session_duration: statistics(durations, 's') },
    };
  }
}

/** The same value without what is null, undefined or no number, however deep. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(isThere).map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => isThere(part))
      .map(([key, part]) => [key, withoutNulls(part)]),
  );
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined && !(typeof value === 'number' && !Number.isFinite(value));
}
