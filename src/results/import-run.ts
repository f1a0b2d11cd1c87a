import { existsSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { meanRate } from '../core/rate.ts';
import { UserError } from '../core/errors.ts';
import type { RecordBatch, RequestRecord } from '../core/record.ts';
import { formatMs, withThousands } from '../core/units.ts';
import { version } from '../core/version.ts';
import { countText } from '../core/words.ts';
import { hasKnownGaps, isAnswered } from '../metrics/request-latency.ts';
import { appendRecords } from '../runs/records.ts';
import { readManifest } from '../runs/read-manifest.ts';
import { createRunDirectory, manifestFile, writeManifest } from '../runs/run-directory.ts';
import type { Imported, Manifest } from '../schema/manifest.ts';
import { isoTime } from './instants.ts';
import type { OpenedResult } from './open-results.ts';
import { foundAt } from '../core/read-within.ts';

/** Names that say nothing of a run: that of their folder is put before them. */
const COMMON = new Set(['profile_export', 'benchmarks', 'results', 'result', 'output']);

/** The directory of an imported run where none is named: `runs/NAME-imported`, of a file of several runs `runs/NAME-2-imported`. */
export function importedDirectory(result: OpenedResult): string {
  const { path, number, of } = result;
  const stem = basename(path).replace(/(\.(jsonl?|ya?ml))?(\.gz)?$/i, '');
  const name = COMMON.has(stem) ? `${basename(dirname(path))}-${stem}` : stem;
  const dir = join('runs', `${name.replaceAll(/[^\w.-]/g, '_')}${of > 1 ? `-${number}` : ''}-imported`);
  let copy = 1;
  const numbered = (): string => (copy === 1 ? dir : `${dir}-${copy}`);
  while (existsSync(numbered()) && importedBefore(numbered(), result) === null) copy++;
  return numbered();
}

/** The manifest of a directory that holds this very run of this very file; null where it does not. */
export function importedBefore(dir: string, { sha256, number }: OpenedResult): Manifest | null {
  if (foundAt(manifestFile(dir)) === undefined) return null;
  const manifest = readManifest(dir);
  const { imported } = manifest;
  return imported?.sha256 === sha256 && imported.run === number ? manifest : null;
}

export interface ImportOptions {
  readonly dir: string;
  readonly slo: Manifest['slo'];
  /** When the run is imported: what stands for its start where the file has none. ISO 8601 in UTC. */
  readonly nowIso: string;
}

/** Makes the run directory of an imported run, all of it or nothing. Throws a UserError where something is in the way. */
export async function importRun(result: OpenedResult, options: ImportOptions): Promise<Manifest> {
  const { dir } = options;
  createRunDirectory(dir);
  try {
    const totals = new Totals(result.path);
    await appendRecords(dir, totals.of(result.run.records()));
    return writeManifest(dir, manifestOf(result, totals, options));
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** A file whose times are longer is damaged; microseconds up to here are exact. */
const MAX_RUN_US = 1e15;

/** The load of a run, as its records go by. */
class Totals {
  requests = 0;
  firstDueUs = Infinity;
  lastDueUs = 0;
  lastEndUs = 0;
  inputTokens = 0;
  outputTokens = 0;
  /** Due times of the measured requests, and whether all are. */
  measuredFromUs = Infinity;
  measuredToUs = 0;
  isAllMeasured = true;
  answered = 0;
  /** Answers whose tokens have no times of their own. */
  spread = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async *of(records: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
    for await (const batch of records) {
      for (const record of batch) {
        this.#check(record);
        const { due_us, end_us, input_tokens, output_tokens, measured } = record;
        this.requests++;
        this.firstDueUs = Math.min(this.firstDueUs, due_us);
        this.lastDueUs = Math.max(this.lastDueUs, due_us);
        this.lastEndUs = Math.max(this.lastEndUs, end_us ?? 0);
        this.inputTokens += input_tokens ?? 0;
        this.outputTokens += output_tokens ?? 0;
        if (isAnswered(record)) this.answered++;
        if (isAnswered(record) && !hasKnownGaps(record)) this.spread++;
        if (!measured) this.isAllMeasured = false;
        else {
          this.measuredFromUs = Math.min(this.measuredFromUs, due_us);
          this.measuredToUs = Math.max(this.measuredToUs, due_us);
        }
      }
      yield batch;
    }
  }

  #check({ request_id, due_us, end_us, token_times_us }: RequestRecord): void {
    const lastUs = Math.max(due_us, end_us ?? 0, token_times_us.at(-1) ?? 0);
    if (lastUs <= MAX_RUN_US) return;
    throw new UserError(
      `${this.#path}: request ${request_id} ends ${formatMs(lastUs / 1000)} after the first was due, which is more than 30 years; the times in the file are damaged: give it as the tool wrote it`,
    );
  }

  /** The part that is measured; requests of a warm-up come before it. */
  measured(): Manifest['measured'] {
    if (this.isAllMeasured || this.measuredToUs < this.measuredFromUs) return null;
    const [from_us, to_us] = [this.measuredFromUs, this.measuredToUs];
    return { warmup_s: (from_us - this.firstDueUs) / 1e6, cooldown_s: (this.lastDueUs - to_us) / 1e6, from_us, to_us };
  }
}

function manifestOf(result: OpenedResult, totals: Totals, { dir, slo, nowIso }: ImportOptions): Manifest {
  const { run, path, sha256, number, of } = result;
  const startedAt = run.startedAt ?? nowIso;
  return {
    schema: 1,
    run_id: basename(dir),
    status: run.stopped === null ? 'complete' : 'interrupted',
    reason: run.stopped,
    command: ['reprise', 'report', of === 1 ? path : `${path}#${number}`],
    options: null,
    pid: process.pid,
    started_at: startedAt,
    ended_at:
      run.startedAt === null
        ? null
        : isoTime(Date.parse(startedAt) + Math.max(totals.lastEndUs / 1000, (run.durationS ?? 0) * 1000)),
    versions: { reprise: version(), node: process.versions.node },
    // Of the client, which the file does not say.
    machine: { os: 'not known', cpu: 'not known', cores: 0, memory_bytes: 0 },
    clock: 'real',
    seed: 0,
    salt: null,
    // No plan: of one imported run alone, so that it pairs with no other by accident.
    plan_sha256: createHash('sha256').update(`imported ${sha256} ${number}`).digest('hex'),
    workload: {
      name: of === 1 ? basename(path) : `${basename(path)}#${number}`,
      format: run.tool,
      path,
      sha256,
      transforms: [],
      on_bad_row: 'fail',
      bad_rows: 0,
      warnings: [],
      requests: totals.requests,
      ...paceOf(run, totals),
      input_tokens: totals.inputTokens,
      output_tokens: totals.outputTokens,
    },
    measured: totals.measured(),
    target: { spec: run.target, kind: 'url', adapter: run.endpoint, model: run.model, facts: {} },
    ignore_eos: true,
    stream: true,
    temperature: 0,
    extra_body: null,
    prepared: null,
    slo,
    timeout_s: 0,
    ttft_timeout_s: 0,
    max_in_flight: run.maxInFlight,
    workers: 1,
    client: null,
    imported: importedOf(result, totals),
  };
}

/** Where it is not known when requests were sent, over the benchmark as the tool timed it. */
function paceOf(
  { starts, durationS }: OpenedResult['run'],
  { requests, firstDueUs, lastDueUs }: Totals,
): Pick<Manifest['workload'], 'duration_s' | 'rate_rps'> {
  if (starts !== 'unknown')
    return { duration_s: lastDueUs / 1e6, rate_rps: meanRate(requests, firstDueUs, lastDueUs) ?? 0 };
  const duration_s = durationS ?? 0;
  return { duration_s, rate_rps: duration_s > 0 ? requests / duration_s : 0 };
}

function importedOf({ run, path, sha256, number }: OpenedResult, { answered, spread }: Totals): Imported {
  const { tool, starts, durationS, notes } = run;
  const more = [
    ...(spread === 0
      ? []
      : [
          `Of ${withThousands(spread)} of ${countText(answered, 'answer')} the first and the last token alone have a time: they are in no ITL, and if they are more than 1 % there is none.`,
        ]),
    ...(run.startedAt === null
      ? ['When it was started is not in the file: the start here is when it was imported.']
      : []),
  ];
  return {
    tool,
    version: run.version,
    file: path,
    sha256,
    run: number,
    starts,
    duration_s: durationS,
    notes: [...notes, ...more],
  };
}
