import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { RecordBatch, RequestRecord } from '../core/record.ts';
import type { SloSpec } from '../core/slo.ts';
import { meetsAll } from '../metrics/judge.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../metrics/request-latency.ts';
import { summarise } from '../metrics/summarise.ts';
import { judgedBy, mendRun } from '../run/finish.ts';
import { readRecords } from '../runs/records.ts';
import { manifestFile, requestsDirectory } from '../runs/run-directory.ts';
import { readScrapes } from '../runs/read-scrapes.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { foundAt } from '../core/read-within.ts';

/** What a comparison keeps of a request. Times in microseconds; NaN: it failed, or has none. */
export interface ComparedRequest {
  readonly dueUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly isMet: boolean;
  readonly ttftUs: number;
  readonly tpotUs: number;
  readonly e2eUs: number;
  /** NaN: it was not sent. */
  readonly sentUs: number;
  /** Of an answered request, as the server counted them; NaN: it did not. */
  readonly gotInputTokens: number;
  readonly gotOutputTokens: number;
}

/** A run, read once. */
export interface LoadedRun {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
  /** The measured requests by id. */
  readonly requests: ReadonlyMap<string, ComparedRequest>;
}

/**
 * The run in a folder, or all runs in its folders, in order of their starts; one that was killed is mended first. `slo`:
 * they are judged by it rather than by their own. Throws a UserError where there is none.
 */
export async function loadRuns(path: string, slo: SloSpec | null): Promise<readonly LoadedRun[]> {
  const runs: LoadedRun[] = [];
  for (const dir of runDirectories(path)) runs.push(await loadRun(dir, slo));
  return runs.toSorted((a, b) => (a.manifest.started_at < b.manifest.started_at ? -1 : 1));
}

function runDirectories(path: string): string[] {
  const at = foundAt(path);
  if (at === undefined) throw new UserError(`${path}: no such directory; name a run, or a folder of runs`);
  if (!at.isDirectory())
    throw new UserError(
      `${path}: is a file, and no result of another tool that is known here; name the run directory, or a folder of runs`,
    );
  if (existsSync(manifestFile(path))) return [path];
  const inside = readdirSync(path).map((name) => join(path, name));
  const found = runsIn(path);
  const lost = inside.find((dir) => !existsSync(manifestFile(dir)) && existsSync(requestsDirectory(dir)));
  if (lost !== undefined)
    throw new UserError(`${lost}: has the requests of a run and no run.json; put it back, or remove the folder`);
  if (found.length > 0) return found;
  const sides = inside.filter(
    (dir) => existsSync(dir) && foundAt(dir)?.isDirectory() === true && runsIn(dir).length > 0,
  );
  throw new UserError(
    sides.length === 0
      ? `${path}: no run.json in it, nor in its folders; name a run, or a folder of runs`
      : `${path}: its runs are one folder deeper; name the runs of one system, e.g. ${sides.slice(0, 2).join(' or ')}`,
  );
}

function runsIn(path: string): string[] {
  return readdirSync(path)
    .map((name) => join(path, name))
    .filter((dir) => existsSync(manifestFile(dir)));
}

async function loadRun(dir: string, slo: SloSpec | null): Promise<LoadedRun> {
  const manifest = judgedBy(await mendRun(dir), slo, null);
  const requests = new Map<string, ComparedRequest>();
  async function* seen(): AsyncGenerator<RecordBatch> {
    for await (const batch of readRecords(dir)) {
      for (const record of batch) {
        if (!record.measured) continue;
        if (requests.has(record.request_id))
          throw new UserError(
            `${dir}: request ${record.request_id} has two records; restore the run, or make it again`,
          );
        requests.set(record.request_id, comparedRequest(record, manifest));
      }
      yield batch;
    }
  }
  const summary = await summarise(seen(), manifest, readScrapes(dir));
  return { dir, manifest, summary, requests };
}

export function comparedRequest(record: RequestRecord, { slo }: Pick<Manifest, 'slo'>): ComparedRequest {
  const isOk = isAnswered(record);
  return {
    dueUs: record.due_us,
    inputTokens: record.input_tokens_planned ?? 0,
    outputTokens: record.output_tokens_planned ?? 0,
    isMet: slo !== null && meetsAll(record, slo.limits_ms) === true,
    ttftUs: isOk ? ttftUs(record) : Number.NaN,
    tpotUs: isOk ? (tpotUs(record) ?? Number.NaN) : Number.NaN,
    e2eUs: isOk ? e2eUs(record) : Number.NaN,
    sentUs: record.sent_us ?? Number.NaN,
    gotInputTokens: isOk ? (record.input_tokens ?? Number.NaN) : Number.NaN,
    gotOutputTokens: isOk
      ? (record.output_tokens ?? record.token_times_us.length) + (record.hidden_tokens ?? 0)
      : Number.NaN,
  };
}
