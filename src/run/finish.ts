import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import type { Source } from '../core/plan.ts';
import { foundAt } from '../core/read-within.ts';
import type { RecordBatch } from '../core/record.ts';
import { meanRate } from '../core/rate.ts';
import { checkClasses, GOAL, type SloSpec } from '../core/slo.ts';
import { plainPercent } from '../core/units.ts';
import { DigestOrder } from '../metrics/digest-order.ts';
import { release } from '../core/release.ts';
import { summarise } from '../metrics/summarise.ts';
import { heldRecord, unsentRecord } from '../replay/unsent-record.ts';
import { appendRecords, readDueKeys, readRecords } from '../runs/records.ts';
import { isElsewhere, isHeld, isWritable, withEndedRun } from '../runs/owner.ts';
import { hasRunSince } from '../runs/processes.ts';
import { recoverRun } from '../runs/recovery.ts';
import { startedFate } from '../runs/started-process.ts';
import { readManifest } from '../runs/read-manifest.ts';
import {
  LOCK_FILE,
  writeError,
  writeManifest,
  writeMarkdown,
  writeReport,
  writeSummary,
  requestsDirectory,
} from '../runs/run-directory.ts';
import { refuse, type OnProblem } from '../runs/seal.ts';
import { readScrapes } from '../runs/read-scrapes.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { writeHtmlReport } from '../../reports/html/write-html-report.ts';
import { summaryMarkdown } from '../../reports/markdown/summary.ts';
import { openWorkload } from '../../workloads/open-workload.ts';
import { scanPlan } from '../../workloads/scan.ts';
import { recordedName } from '../target/target-spec.ts';
import { describeSlo } from './manifest.ts';
import { windowOf } from './measurement-window.ts';

/**
 * Adds the records of requests that were not sent (`unsent`), so that every scheduled request counts. Returns what is
 * lost of the others.
 */
export async function completeRecords(
  dir: string,
  manifest: Manifest,
  /** Called only if some request was not sent: the trace file may be gone. Null: the source cannot be read again. */
  plan: () => Promise<Source | null>,
  /** The process was killed: nobody has said which requests waited for a place in flight. */
  wasKilled = false,
): Promise<readonly string[]> {
  const { ended, damage } = await recoverRun(dir);
  // What such a run did not get to was never due.
  if (manifest.paced === true) return damage;
  if (ended.size === manifest.workload.requests) return damage;
  const source = await plan();
  if (source === null) return damage;
  const heldUntilUs = wasKilled && manifest.max_in_flight !== null ? await lastEventUs(dir) : Number.NEGATIVE_INFINITY;
  await appendRecords(dir, unsent(source, ended, manifest, heldUntilUs));
  return damage;
}

export function withDamage(manifest: Manifest, damage: readonly string[]): Manifest {
  return damage.length === 0 ? manifest : { ...manifest, damage: [...(manifest.damage ?? []), ...damage] };
}

/** The manifest of a run that has ended; of one that decided its due times, with what came of it. */
export async function asReplayed(dir: string, manifest: Manifest): Promise<Manifest> {
  if (manifest.paced !== true && manifest.sessions === undefined) return manifest;
  const workload = { ...manifest.workload, requests: 0, duration_s: 0, rate_rps: 0, input_tokens: 0, output_tokens: 0 };
  let [firstUs, lastUs] = [Infinity, 0];
  for await (const records of readRecords(dir))
    for (const { due_us, input_tokens_planned, output_tokens_planned } of records) {
      workload.requests++;
      workload.input_tokens += input_tokens_planned ?? 0;
      workload.output_tokens += output_tokens_planned ?? 0;
      firstUs = Math.min(firstUs, due_us);
      lastUs = Math.max(lastUs, due_us);
    }
  workload.duration_s = lastUs / 1e6;
  workload.rate_rps = meanRate(workload.requests, firstUs, lastUs) ?? 0;
  return { ...manifest, workload };
}

/** Hears how many of a run's records have been read, and what for: they are read more than once, each time from 0. */
export type OnRead = (read: number, of: number, what: string) => void;

/**
 * Writes summary and report of a finished run directory from its records alone; may be repeated at any time. A run that
 * is judged by another SLO than its own gets further files, named for that SLO. `sloScales`: scales of the SLO to judge
 * by as well, in ascending order.
 */
export async function reportRun(
  dir: string,
  manifest: Manifest,
  sloScales: readonly number[] = [],
  /** What is wrong with the files of the run, each once; the summary is of the rest, and says so. */
  problems = new Set<string>(),
  onRead: OnRead = () => undefined,
): Promise<Summary> {
  const problem: OnProblem = (found) => problems.add(found);
  const make = async (): Promise<Summary> =>
    withProblems(await summaryOfRecords(dir, manifest, sloScales, problem, onRead), problems);
  if (!isWritable(dir)) return await make();
  const write = async (): Promise<Summary> => {
    const summary = await make();
    const judged = judgedName(manifest);
    writeSummary(dir, summary, judged);
    writeMarkdown(dir, summaryMarkdown(summary, manifest), judged);
    const records = (what: string): AsyncGenerator<RecordBatch> =>
      told(readRecords(dir, problem), manifest, what, onRead);
    const [drawn, again] = [records('for the charts'), () => records('for the sessions shown')];
    const page = await writeHtmlReport(summary, manifest, drawn, readScrapes(dir, problem), again);
    writeReport(dir, page, judged);
    return summary;
  };
  try {
    return await withEndedRun(dir, write, () => stillGoesOn(dir, manifest));
  } catch (thrown) {
    throw keptRecords(dir, thrown);
  }
}

/** The error of a run whose records are on the disk, as far as it could be written; a fault of ours is left as it is. */
export function keptRecords(dir: string, thrown: unknown): unknown {
  if (!(thrown instanceof UserError) || !existsSync(requestsDirectory(dir))) return thrown;
  const { exitCode, message, cause } = thrown;
  const kept = `the records are kept: "reprise report ${dir}" makes the rest of them later`;
  return new UserError(`${message}\n${kept}`, { exitCode, cause });
}

/** The summary of a finished run directory, which is left as it is. */
export async function summaryOfRecords(
  dir: string,
  manifest: Manifest,
  sloScales: readonly number[],
  problem: OnProblem = refuse,
  onRead: OnRead = () => undefined,
): Promise<Summary> {
  const ranks = manifest.clock === 'virtual' ? await dueRanks(dir) : null;
  const records = told(readRecords(dir, problem), manifest, 'for the figures', onRead);
  const summary = await summarise(records, manifest, readScrapes(dir, problem), sloScales, ranks);
  if (ranks !== null) release(ranks);
  return summary;
}

/** The same records; `onRead` is told of each batch when it has been used. */
async function* told(
  records: AsyncIterable<RecordBatch>,
  { workload }: Manifest,
  what: string,
  onRead: OnRead,
): AsyncGenerator<RecordBatch> {
  let read = 0;
  for await (const batch of records) {
    yield batch;
    read += batch.length;
    onRead(read, workload.requests, what);
  }
}

/** The place of each record in the order of `RecordsDigest`. */
async function dueRanks(dir: string): Promise<Uint32Array<ArrayBuffer>> {
  const order = new DigestOrder();
  for await (const { ids, dueUs } of readDueKeys(dir))
    for (const [row, id] of ids.entries()) order.add(dueUs[row] ?? Number.NaN, id);
  return order.ranks();
}

/** Figures of a run that is not whole prove nothing. */
function withProblems(summary: Summary, problems: ReadonlySet<string>): Summary {
  if (problems.size === 0) return summary;
  const warnings = [...problems].map((text) => ({ code: 'records', text }) as const);
  return {
    ...summary,
    warnings: [...warnings, ...summary.warnings.filter(({ code }) => code !== 'records')],
    validity: { ...summary.validity, valid: false, reasons: [...problems, ...summary.validity.reasons] },
  };
}

/** Longest part of a file name that an SLO gives. */
const MAX_NAME_LENGTH = 80;

/** The SLO in the names of its files, where it is another than the run's own: `ttft-200ms-tpot-50ms-at-95`. */
export function judgedName({ slo }: Manifest): string | null {
  if (slo?.in_place_of === undefined) return null;
  const text = `${slo.text}-at-${plainPercent(slo.at)}`;
  return text.replaceAll(/[^\w.]+/g, '-').slice(0, MAX_NAME_LENGTH);
}

/** The same run judged by another SLO, another share of requests, or both; its `run.json` does not change. */
export function judgedBy(manifest: Manifest, slo: SloSpec | null, at: number | null): Manifest {
  if (slo === null && at === null) return manifest;
  if (slo === null && manifest.slo === null)
    throw new UserError(`--at: run ${manifest.run_id} has no SLO to meet; give its limits, e.g. --slo ttft=200ms`);
  const goal = at ?? manifest.slo?.at ?? GOAL;
  if (slo !== null && manifest.workload.classes !== undefined) checkClasses(slo.limits, manifest.workload.classes);
  const judged = slo === null ? manifest.slo : describeSlo(slo, goal);
  if (judged === null) return manifest;
  return { ...manifest, slo: { ...judged, at: goal, in_place_of: nameOf(manifest.slo, judged.text) } };
}

/** An SLO in a few words, told apart from one with the same limits. */
function nameOf(slo: Manifest['slo'], other: string): string {
  if (slo === null) return 'none';
  return slo.text === other ? `${slo.text} at ${plainPercent(slo.at)} %` : slo.text;
}

/** Whoever reads the records of a run is told again what is wrong with its manifest. */
const OF_RECORDS: OnProblem = () => undefined;

/** Opens a run directory for reading; a run whose process was killed is mended first and marked as interrupted. */
export async function mendRun(dir: string): Promise<Manifest> {
  const found = readManifest(dir, OF_RECORDS);
  if (found.status !== 'running') return found;
  checkEnded(dir, found);
  const why = unmendable(dir, found);
  if (why !== null) throw new UserError(`${why}; copy it, and name the copy`);
  return await withEndedRun(
    dir,
    async () => {
      // Another report may have mended it.
      const now = readManifest(dir, OF_RECORDS);
      return now.status === 'running' ? await mend(dir) : now;
    },
    () => stillGoesOn(dir, found),
  );
}

/** A run that `mendRun` may not mend where it is is mended in a copy, which is to be removed. */
export async function mendCopy(dir: string): Promise<{ readonly dir: string; readonly why: string } | null> {
  const found = readManifest(dir, OF_RECORDS);
  if (found.status !== 'running') return null;
  checkEnded(dir, found);
  const why = unmendable(dir, found);
  if (why === null) return null;
  const copy = join(mkdtempSync(join(tmpdir(), 'reprise-')), basename(dir));
  try {
    // Through a link the copy would be mended in the original.
    cpSync(dir, copy, { recursive: true, dereference: true, filter: (path) => isCopied(dir, path) });
    await mend(copy);
  } catch (thrown) {
    rmSync(dirname(copy), { recursive: true });
    throw writeError(copy, thrown);
  }
  return { dir: copy, why };
}

/** A run has files, some of them in `requests`; a pipe, a device or a folder of folders is no part of it. */
function isCopied(dir: string, path: string): boolean {
  const names = relative(dir, path).split(sep);
  const found = foundAt(path);
  return names.length <= 2 && names[0] !== LOCK_FILE && (found?.isFile() === true || found?.isDirectory() === true);
}

/** Why a run that has not ended may not be mended from here; null where it may. */
function unmendable(dir: string, { host, ...manifest }: Manifest): string | null {
  if (!isWritable(dir)) return `${dir}: this run was killed, and its directory cannot be written`;
  if (host === undefined || !isElsewhere({ ...manifest, host })) return null;
  return `${dir}: last written on ${host.name}, and whether the run still goes on there cannot be told from here`;
}

async function mend(dir: string): Promise<Manifest> {
  // It is sealed anew below: what was wrong with it stays said.
  const wrong: string[] = [];
  const found = readManifest(dir, (problem) => wrong.push(problem));
  // A program's own source has no file.
  const isReadable = found.workload.path !== '';
  const fate = await startedFate(found);
  const reason = [
    'the client was killed, or could not write any more',
    ...(isReadable ? [] : ['its source was of a program, and what was not sent is not counted']),
    ...(fate === null ? [] : [fate]),
  ].join('; ');
  const ended: Manifest = { ...found, status: 'interrupted', reason };
  const damage = await completeRecords(dir, ended, async () => (isReadable ? sourceOf(dir, ended) : null), true);
  return writeManifest(dir, await asReplayed(dir, withDamage(ended, [...wrong, ...damage])));
}

/** Throws a UserError while a process still writes to the run. */
export function checkEnded(dir: string, manifest: Manifest): void {
  if (manifest.status === 'running' && (isHeld(dir) || isOldAndLive(manifest))) throw stillGoesOn(dir, manifest);
}

/** Up to 0.3.0 a run had no lock, and did not name its host: its process alone tells whether it goes on. */
function isOldAndLive({ host, pid, started_at }: Manifest): boolean {
  return host === undefined && hasRunSince(pid, started_at);
}

export function stillGoesOn(dir: string, { pid, host }: Pick<Manifest, 'pid' | 'host'>): UserError {
  const where = host === undefined ? '' : ` on ${host.name}`;
  return new UserError(`${dir}: this run still goes on (process ${pid}${where}); wait for it, or end it`);
}

/** The plan of a run, rebuilt from its source file; if that fails, the records of sent requests are already safe. */
async function sourceOf(dir: string, manifest: Manifest): Promise<Source> {
  const { path, on_bad_row, transforms, name, map, block_tokens: blockTokens, tokenizer, input_is } = manifest.workload;
  const traceFormat = manifest.options?.['trace-format'];
  const unlike = (how: string, cause?: unknown): UserError =>
    new UserError(
      `${dir}: was killed while it replayed ${name}, and ${path} ${how}; put the old file back, so that what was not sent can be counted`,
      { cause },
    );
  try {
    const source = await openWorkload({
      path,
      onBadRow: on_bad_row,
      transforms,
      ...(typeof traceFormat === 'string' ? { traceFormat } : {}),
      ...(map === undefined ? {} : { map }),
      ...(blockTokens === undefined ? {} : { blockTokens }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
      ...(input_is === undefined ? {} : { inputIs: input_is }),
    });
    const stats = await scanPlan(source, manifest.seed);
    if (stats.digest === manifest.plan_sha256) return source;
  } catch (thrown) {
    throw unlike(`cannot be read any more (${messageOf(thrown)})`, thrown);
  }
  throw unlike('has changed since');
}

/** When the run was last known to go on: the last time in its records. */
async function lastEventUs(dir: string): Promise<number> {
  let lastUs = Number.NEGATIVE_INFINITY;
  for await (const records of readRecords(dir))
    for (const { sent_us, end_us } of records) lastUs = Math.max(lastUs, sent_us ?? lastUs, end_us ?? lastUs);
  return lastUs;
}

/** What was not sent; what was due by `heldUntilUs` waited for a place until then at least. */
async function* unsent(
  source: Source,
  ended: ReadonlySet<string>,
  manifest: Manifest,
  heldUntilUs: number,
): AsyncGenerator<RecordBatch> {
  const context = { target: recordedName(manifest.target), window: windowOf(manifest), worker: 0 };
  for await (const requests of source.open())
    yield requests
      .filter((request) => !ended.has(request.id))
      .map((request) =>
        request.dueUs <= heldUntilUs
          ? heldRecord(request, request.dueUs, heldUntilUs, context)
          : unsentRecord(request, request.dueUs, context),
      );
}
