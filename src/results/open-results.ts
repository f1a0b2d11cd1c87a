import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { ImportedRun } from './imported-run.ts';
import { parsePythonJson } from './json-text.ts';
import { kindOf, type Kind } from './kind.ts';
import { readAiperf } from './readers/aiperf.ts';
import { readGuidellm } from './readers/guidellm.ts';
import { readSglang } from './readers/sglang.ts';
import { readVllm } from './readers/vllm.ts';
import { linesOf, sha256Of, textOf } from './result-file.ts';

/** A run of a result file, and where it stands. */
export interface OpenedResult {
  readonly run: ImportedRun;
  readonly path: string;
  readonly sha256: string;
  /** Which run of the file, from 1, and of how many. */
  readonly number: number;
  readonly of: number;
}

/** What a file of an AIPerf or GuideLLM folder is called, unless its user chose another name. */
const FILES_OF_FOLDERS = ['profile_export.jsonl', 'benchmarks.json'];

/** The result file that an argument names, and which run of it: `FILE`, `FILE#2`, or a folder that has one; else null. */
export function resultArgument(given: string): { readonly path: string; readonly number: number | null } | null {
  const found = statSync(given, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    const name = FILES_OF_FOLDERS.find((each) => existsSync(join(given, each)));
    return name === undefined ? null : { path: join(given, name), number: null };
  }
  if (found !== undefined) return { path: given, number: null };
  const [, file = '', digits] = /^(.+)#(\d+)$/s.exec(given) ?? [];
  if (digits === undefined) return null;
  const named = resultArgument(file);
  return named === null ? null : { ...named, number: Number(digits) };
}

/**
 * Opens a run of another tool's result, by its content. Throws a UserError that names the file, the key, the value and
 * the way out, also where the file has several runs and none is named.
 */
export async function openResults(path: string, number: number | null): Promise<OpenedResult> {
  const sha256 = await sha256Of(path);
  const opened = await openFile(path, number);
  return {
    ...opened,
    path: resolve(opened.path ?? path),
    sha256: opened.path === undefined ? sha256 : await sha256Of(opened.path),
  };
}

interface Found {
  readonly run: ImportedRun;
  readonly number: number;
  readonly of: number;
  /** The file that has the requests, where it is another than the one that was named. */
  readonly path?: string;
}

async function openFile(path: string, number: number | null): Promise<Found> {
  const first = await parsedFirstLine(path);
  if (first === null) return ofWhole(parsePythonJson(await textOf(path), path), path, number);
  const kind = kindOf(first.json, path);
  if (kind === 'aiperf-record') return only(await readAiperf(await aiperfFiles(path)), path, number);
  if (kind === 'vllm' || kind === 'sglang') return ofLines(path, number, first.json);
  return ofWhole(first.json, path, number);
}

/** The first line where it is JSON by itself; null where it is not: a file of one value, on many lines. */
async function parsedFirstLine(path: string): Promise<{ readonly json: unknown } | null> {
  for await (const { text } of linesOf(path)) {
    try {
      return { json: parsePythonJson(text, path) };
    } catch {
      return null;
    }
  }
  throw new UserError(`${path}: empty; let the benchmark end before its file is read`);
}

async function ofWhole(json: unknown, path: string, number: number | null): Promise<Found> {
  const kind = kindOf(json, path);
  if (kind === 'guidellm') return chosen(readGuidellm(json, path), path, number);
  if (kind === 'aiperf-summary') {
    const records = aiperfRecordsOf(path);
    return { ...only(await readAiperf(await aiperfFiles(records)), path, number), path: records };
  }
  return only(readOne(kind, json, path), path, number);
}

function readOne(kind: Kind, json: unknown, where: string): ImportedRun {
  return kind === 'sglang' ? readSglang(json, where) : readVllm(json, where);
}

/** A run a line, as SGLang and `vllm bench serve --append-result` write them. Of several only the chosen one is kept. */
async function ofLines(path: string, number: number | null, first: unknown): Promise<Found> {
  const titles: string[] = [];
  let found: ImportedRun | null = null;
  let runs = 0;
  for await (const { text, number: line } of linesOf(path)) {
    runs++;
    if (number !== null && runs !== number) continue;
    const where = `${path}, line ${line}`;
    const json = runs === 1 ? first : parsePythonJson(text, where);
    found = readOne(kindOf(json, where), json, where);
    titles.push(found.title);
  }
  if (found === null) throw noSuchRun(path, number, runs);
  if (number === null && runs > 1) throw severalRuns(path, titles);
  return { run: found, number: number ?? 1, of: runs };
}

function chosen(runs: readonly ImportedRun[], path: string, number: number | null): Found {
  if (number === null && runs.length > 1)
    throw severalRuns(
      path,
      runs.map(({ title }) => title),
    );
  const run = runs[(number ?? 1) - 1];
  if (run === undefined) throw noSuchRun(path, number, runs.length);
  return { run, number: number ?? 1, of: runs.length };
}

function only(run: ImportedRun, path: string, number: number | null): Found {
  return chosen([run], path, number);
}

function severalRuns(path: string, titles: readonly string[]): UserError {
  const list = titles.map((title, i) => `  ${path}#${i + 1}  ${title}`).join('\n');
  return new UserError(`${path}: ${titles.length} runs are in it; name one:\n${list}`);
}

function noSuchRun(path: string, number: number | null, runs: number): UserError {
  return new UserError(`${path}#${number ?? 1}: there is no such run: the file has ${runs}, from #1 on`);
}

/** The file of the records beside the aggregates of AIPerf. */
function aiperfRecordsOf(path: string): string {
  const records = join(dirname(path), basename(path).replace(/(_aiperf)?\.json$/, '.jsonl'));
  if (existsSync(records)) return records;
  throw new UserError(
    `${path}: AIPerf's aggregates, without requests, and ${basename(records)} is not beside it; give that file, which AIPerf writes with its export level at records (the default)`,
  );
}

async function aiperfFiles(path: string): Promise<Parameters<typeof readAiperf>[0]> {
  const summaryPath = join(dirname(path), basename(path).replace(/\.jsonl$/, '_aiperf.json'));
  return {
    where: path,
    summary:
      existsSync(summaryPath) && summaryPath !== path
        ? { json: parsePythonJson(await textOf(summaryPath), summaryPath), where: summaryPath }
        : null,
    lines: async function* lines() {
      for await (const { text, number } of linesOf(path)) {
        const where = `${path}, line ${number}`;
        yield { json: parsePythonJson(text, where), where, number };
      }
    },
  };
}
