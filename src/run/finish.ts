import { readFileSync } from 'node:fs';
import { messageOf, UserError } from '../core/errors.ts';
import type { Source } from '../core/plan.ts';
import type { RecordBatch } from '../core/record.ts';
import { meanRate } from '../core/rate.ts';
import { GOAL, type SloSpec } from '../core/slo.ts';
import { plainPercent } from '../core/units.ts';
import { summarise } from '../metrics/summarise.ts';
import { heldRecord, unsentRecord } from '../replay/unsent-record.ts';
import { appendRecords, readRecords } from '../runs/records.ts';
import { isRunOpen } from '../runs/open-runs.ts';
import { recoverRun } from '../runs/recovery.ts';
import { readManifest, writeManifest, writeMarkdown, writeReport, writeSummary } from '../runs/run-directory.ts';
import { readScrapes } from '../runs/server-file.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { summaryMarkdown, writeHtmlReport } from '../../reports/index.ts';
import { openWorkload, scanPlan } from '../../workloads/index.ts';
import { recordedName } from '../target/target-spec.ts';
import { describeSlo } from './manifest.ts';
import { windowOf } from './measurement-window.ts';

/** Adds the records of requests that were not sent (`unsent`), so that every scheduled request counts. */
export async function completeRecords(
  dir: string,
  manifest: Manifest,
  /** Called only if some request was not sent: the trace file may be gone. Null: the source cannot be read again. */
  plan: () => Promise<Source | null>,
  /** The process was killed: nobody has said which requests waited for a place in flight. */
  wasKilled = false,
): Promise<void> {
  const { ended } = await recoverRun(dir);
  // What such a run did not get to was never due.
  if (manifest.paced === true) return;
  if (ended.size === manifest.workload.requests) return;
  const source = await plan();
  if (source === null) return;
  const heldUntilUs = wasKilled && manifest.max_in_flight !== null ? await lastEventUs(dir) : Number.NEGATIVE_INFINITY;
  await appendRecords(dir, unsent(source, ended, manifest, heldUntilUs));
}

/** The manifest of a run that has ended; of one that decided its due times, with the requests that came due. */
export async function asReplayed(dir: string, manifest: Manifest): Promise<Manifest> {
  if (manifest.paced !== true) return manifest;
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

/**
 * Writes summary and report of a finished run directory from its records alone; may be repeated at any time. A run that
 * is judged by another SLO than its own gets further files, named for that SLO.
 */
export async function reportRun(dir: string, manifest: Manifest): Promise<Summary> {
  const summary = await summarise(readRecords(dir), manifest, readScrapes(dir));
  const judged = judgedName(manifest);
  try {
    writeSummary(dir, summary, judged);
    writeMarkdown(dir, summaryMarkdown(summary, manifest), judged);
    writeReport(dir, await writeHtmlReport(summary, manifest, readRecords(dir), readScrapes(dir)), judged);
    return summary;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(
      `${thrown.message}\nthe records are kept: "reprise report ${dir}" makes the rest of them later`,
    );
  }
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
  const judged = slo === null ? manifest.slo : describeSlo(slo, goal);
  if (judged === null) return manifest;
  return { ...manifest, slo: { ...judged, at: goal, in_place_of: nameOf(manifest.slo, judged.text) } };
}

/** An SLO in a few words, told apart from one with the same limits. */
function nameOf(slo: Manifest['slo'], other: string): string {
  if (slo === null) return 'none';
  return slo.text === other ? `${slo.text} at ${plainPercent(slo.at)} %` : slo.text;
}

/** Opens a run directory for reading; a run whose process was killed is mended first and marked as interrupted. */
export async function mendRun(dir: string): Promise<Manifest> {
  const found = readManifest(dir);
  if (found.status !== 'running') return found;
  checkEnded(dir, found);
  // A program's own source has no file.
  const isReadable = found.workload.path !== '';
  const reason = `the client was killed${isReadable ? '' : '; its source was of a program, and what was not sent is not counted'}`;
  const ended: Manifest = { ...found, status: 'interrupted', reason };
  await completeRecords(dir, ended, async () => (isReadable ? sourceOf(dir, ended) : null), true);
  const manifest = await asReplayed(dir, ended);
  writeManifest(dir, manifest);
  return manifest;
}

/** Throws a UserError while a process still writes to the run. */
export function checkEnded(dir: string, { status, pid }: Manifest): void {
  if (status === 'running' && (isRunOpen(dir) || isAlive(pid)))
    throw new UserError(`${dir}: this run still goes on (process ${pid}); wait for it, or end it`);
}

/** The plan of a run, rebuilt from its source file; if that fails, the records of sent requests are already safe. */
async function sourceOf(dir: string, manifest: Manifest): Promise<Source> {
  const { path, on_bad_row, transforms, name, block_tokens: blockTokens } = manifest.workload;
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
      ...(blockTokens === undefined ? {} : { blockTokens }),
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

/** Whether a process runs. A killed process that its parent has not yet waited for (a zombie) does not. */
export function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true; // no /proc here
  }
}
