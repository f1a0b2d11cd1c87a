import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { messageOf, UserError } from '../core/errors.ts';
import type { ImportedRun } from './imported-run.ts';
import { parsePythonJson } from './json-text.ts';
import { kindOf } from './kind.ts';
import { readAiperf, type AiperfFiles } from './readers/aiperf.ts';
import { readGuidellm } from './readers/guidellm.ts';
import { readSglang } from './readers/sglang.ts';
import { readVllm } from './readers/vllm.ts';
import { linesOf, sha256Of, textOf } from './result-file.ts';
import { foundAt } from '../core/read-within.ts';

/** A run of a result file, and where it stands. */
export interface OpenedResult {
  readonly run: ImportedRun;
  readonly path: string;
  readonly sha256: string;
  /** Which run of the file, from 1, and of how many. */
  readonly number: number;
  readonly of: number;
}

/** What the files of an AIPerf or GuideLLM folder are called, the best first. */
const FILES_OF_FOLDERS = [
  /^profile_export\.jsonl(\.gz)?$/,
  /^benchmarks\.json(\.gz)?$/,
  /^benchmarks\.ya?ml$/,
  /_aiperf\.json(\.gz)?$/,
];

/** The result file that an argument names, and which run of it: `FILE`, `FILE#2`, or a folder that has one; else null. */
export function resultArgument(given: string): { readonly path: string; readonly number: number | null } | null {
  const found = foundAt(given);
  if (found?.isDirectory() === true) {
    const names = readdirSync(given).toSorted();
    const [name] = FILES_OF_FOLDERS.flatMap((each) => names.filter((file) => each.test(file)));
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
  const opened = await openFile(path, number);
  const read = opened.path ?? path;
  return { ...opened, path: resolve(read), sha256: await sha256Of(read) };
}

interface Found {
  readonly run: ImportedRun;
  readonly number: number;
  readonly of: number;
  /** The file that has the requests, where it is another than the one that was named. */
  readonly path?: string;
}

async function openFile(path: string, number: number | null): Promise<Found> {
  const first = await firstLine(path);
  if (first === null) return ofValue(parsedWhole(await textOf(path), path), path, number);
  if (!Array.isArray(first.json) && kindOf(first.json, path) === 'aiperf-record')
    return ofRecords(recordLines(path), path, number);
  if (first.isOnly) return ofValue(first.json, path, number);
  return chosen(runsOfLines(path), path, number);
}

/** The first line where it is JSON by itself; null where it is not: a file of one value, on many lines. */
async function firstLine(path: string): Promise<{ readonly json: unknown; readonly isOnly: boolean } | null> {
  let first: { readonly json: unknown } | null = null;
  for await (const { text } of linesOf(path)) {
    if (first !== null) return { ...first, isOnly: false };
    try {
      first = { json: parsePythonJson(text, path) };
    } catch {
      return null;
    }
  }
  if (first === null) throw new UserError(`${path}: empty; let the benchmark end before its file is read`);
  return { ...first, isOnly: true };
}

/** A value that fills its file: a result, or a list of them, as a sweep of vLLM and `jq -s` write it. */
async function ofValue(json: unknown, path: string, number: number | null): Promise<Found> {
  const values = Array.isArray(json)
    ? json.map((each: unknown, i) => ({ json: each, where: `${path}[${i}]`, number: i + 1 }))
    : [{ json, where: path, number: 1 }];
  const [first] = values;
  if (first === undefined) throw new UserError(`${path}: no result: an empty list; run the benchmark again`);
  const kind = kindOf(first.json, first.where);
  if (kind === 'aiperf-record')
    return ofRecords(
      async function* records() {
        yield* values;
      },
      path,
      number,
    );
  if (kind === 'aiperf-summary') {
    const records = aiperfRecordsOf(path);
    return { ...(await ofRecords(recordLines(records), records, number)), path: records };
  }
  return chosen(
    values.flatMap((each) => runsOf(each.json, each.where)),
    path,
    number,
  );
}

/** A run of a file, read when it is asked for. */
type RunOfFile = () => ImportedRun;

/** The runs of a value. */
function runsOf(json: unknown, where: string): RunOfFile[] {
  const kind = kindOf(json, where);
  switch (kind) {
    case 'vllm':
      return [() => readVllm(json, where)];
    case 'sglang':
      return [() => readSglang(json, where)];
    case 'guidellm':
      return readGuidellm(json, where);
    case 'aiperf-record':
    case 'aiperf-summary':
      throw new UserError(`${where}: of AIPerf, among results of another tool; give each in a file of its own`);
  }
}

/** A result a line, as SGLang and `vllm bench serve --append-result` write them. */
async function* runsOfLines(path: string): AsyncGenerator<RunOfFile> {
  for await (const { text, number } of linesOf(path)) {
    const where = `${path}, line ${number}`;
    yield () => {
      const [run, ...others] = runsOf(parsePythonJson(text, where), where);
      if (run === undefined || others.length > 0)
        throw new UserError(`${where}: a report of ${others.length + 1} benchmarks; give it in a file of its own`);
      return run();
    };
  }
}

/** The run of a number; without one, the only run. Of several only the chosen one is kept. */
async function chosen(
  runs: AsyncIterable<RunOfFile> | Iterable<RunOfFile>,
  path: string,
  number: number | null,
): Promise<Found> {
  const titles: string[] = [];
  let found: ImportedRun | UserError | null = null;
  let of = 0;
  for await (const run of runs) {
    of++;
    if (number !== null && of !== number) continue;
    found = readOrError(run);
    titles.push(found instanceof UserError ? found.message : found.title);
  }
  if (found === null) throw noSuchRun(path, number, of);
  if (number === null && of > 1) throw severalRuns(path, titles);
  if (found instanceof UserError) throw found;
  return { run: found, number: number ?? 1, of };
}

function readOrError(run: RunOfFile): ImportedRun | UserError {
  try {
    return run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
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
  const records = join(dirname(path), basename(path).replace(/(_aiperf)?\.json(\.gz)?$/, '.jsonl'));
  const found = [records, `${records}.gz`].find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new UserError(
    `${path}: AIPerf's aggregates, without requests, and ${basename(records)} is not beside it; give that file, which AIPerf writes with its export level at records (the default)`,
  );
}

/** A request a line, each parsed when it is reached. */
function recordLines(path: string): AiperfFiles['lines'] {
  return async function* lines() {
    for await (const { text, number } of linesOf(path)) {
      const where = `${path}, line ${number}`;
      yield { json: parsePythonJson(text, where), where, number };
    }
  };
}

async function ofRecords(lines: AiperfFiles['lines'], path: string, number: number | null): Promise<Found> {
  const beside = join(dirname(path), basename(path).replace(/\.jsonl?(\.gz)?$/, '_aiperf.json'));
  const summary = [beside, `${beside}.gz`].find((file) => file !== path && existsSync(file));
  const run = await readAiperf({
    where: path,
    lines,
    summary: summary === undefined ? null : { json: parsePythonJson(await textOf(summary), summary), where: summary },
  });
  return chosen([() => run], path, number);
}

/** The value of a text; YAML, as GuideLLM writes it if asked to, by the name of its file. */
function parsedWhole(text: string, path: string): unknown {
  if (!/\.ya?ml(\.gz)?$/i.test(path)) return parsePythonJson(text, path);
  try {
    return parseYaml(text, { maxAliasCount: -1 });
  } catch (error) {
    throw new UserError(`${path}: not YAML (${messageOf(error)}); give the file as GuideLLM wrote it`, {
      cause: error,
    });
  }
}
