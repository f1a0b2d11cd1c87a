import { randomStream, uniform } from '../../src/core/random.ts';
import type { RecordBatch, RequestRecord } from '../../src/core/record.ts';
import type { Request } from '../../src/core/request.ts';
import { scheduledByTrace, traceOrder } from '../../src/core/schedule.ts';
import type { Slo } from '../../src/core/slo.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, engineTarget, parseEngineSpec } from '../../src/engine/index.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import type { Summary } from '../../src/schema/summary.ts';

interface Phase {
  readonly seconds: number;
  readonly rps: number;
}

export interface Load {
  readonly phases: readonly Phase[];
  readonly input: number;
  readonly output: number;
  /** A share of prompts that are of another length. */
  readonly long?: { readonly share: number; readonly input: number };
  readonly seed?: number;
}

/** Poisson arrivals at the rate of each phase, one phase after another; lengths within a half of the mean. */
export function requestsOf({ phases, input, output, long, seed = 1 }: Load): Request[] {
  const random = randomStream(seed, 'simulated run');
  const around = (mean: number): number => Math.max(1, Math.round(mean * (0.5 + uniform(random))));
  const requests: Request[] = [];
  let startS = 0;
  for (const { seconds, rps } of phases) {
    for (let atS = startS; ;) {
      atS -= Math.log(1 - uniform(random)) / rps;
      if (atS >= startS + seconds) break;
      requests.push({
        id: `r${requests.length}`,
        traceRow: requests.length + 1,
        dueUs: Math.round(atS * 1e6),
        inputTokens: long !== undefined && uniform(random) < long.share ? long.input : around(input),
        outputTokens: around(output),
      });
    }
    startS += seconds;
  }
  return requests;
}

/** The records of requests in virtual time, on a new engine. */
export async function simulatedRecords(
  system: string,
  requests: readonly Request[],
  { ttftTimeoutS = 60 }: { readonly ttftTimeoutS?: number } = {},
): Promise<RequestRecord[]> {
  const clock = new VirtualClock();
  const target = engineTarget(createEngine(parseEngineSpec(system), { clock }), clock, null);
  const records: RequestRecord[] = [];
  const store = {
    sent: () => undefined,
    finished: (batch: RecordBatch) => void records.push(...batch),
  };
  const recorder = new Recorder(store, { target: 'reference', window: null, worker: 0 });
  const never = new AbortController().signal;
  async function* all() {
    yield requests.map((request, i) => scheduledByTrace(i, request));
  }
  await replay(traceOrder(all()), target, clock, recorder, {
    timeoutUs: 600e6,
    ttftTimeoutUs: ttftTimeoutS * 1e6,
    stop: never,
    cut: never,
    graceUs: 0,
  });
  return records;
}

/** The summary of records as of a complete run in virtual time, judged by an SLO; as changed by `over`. */
export async function summaryOfRecords(
  records: readonly RequestRecord[],
  limits: Slo | null,
  over: Partial<Manifest> = {},
  scrapes: readonly Scrape[] = [],
): Promise<Summary> {
  const last = records.reduce((high, { due_us }) => Math.max(high, due_us), 0);
  const manifest: Manifest = {
    ...VIRTUAL,
    workload: { ...VIRTUAL.workload, requests: records.length, duration_s: last / 1e6 },
    slo: limits === null ? null : { text: 'simulated', limits_ms: limits, at: 0.9 },
    ...over,
  };
  return summarise(each([records]), manifest, each(scrapes));
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** What a run in virtual time would write, without what no figure looks at. */
const VIRTUAL: Manifest = {
  schema: 1,
  run_id: 'simulated',
  status: 'complete',
  reason: null,
  command: [],
  options: null,
  pid: 0,
  started_at: '',
  ended_at: null,
  versions: {},
  machine: { os: '', cpu: '', cores: 1, memory_bytes: 0 },
  clock: 'virtual',
  seed: 1,
  salt: null,
  plan_sha256: '',
  workload: {
    name: 'simulated',
    format: 'native',
    path: '',
    sha256: '',
    transforms: [],
    on_bad_row: 'fail',
    bad_rows: 0,
    warnings: [],
    requests: 0,
    duration_s: 0,
    rate_rps: 0,
    input_tokens: 0,
    output_tokens: 0,
  },
  measured: null,
  target: { spec: 'reference', kind: 'reference', adapter: 'none', model: null, facts: {} },
  ignore_eos: true,
  stream: true,
  temperature: 0,
  extra_body: null,
  max_in_flight: null,
  workers: 1,
  prepared: null,
  slo: null,
  timeout_s: 600,
  ttft_timeout_s: 60,
  client: null,
};
