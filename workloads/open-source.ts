import { statSync, type Stats } from 'node:fs';
import { basename, resolve } from 'node:path';
import { UserError } from '../src/core/errors.ts';
import type { Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import { badRowError, type BadRow, type Format } from './formats/format.ts';
import { binaryKind } from './binary-kind.ts';
import { FileHash, fileHead, unreadable } from './file-bytes.ts';
import { fileText } from './file-text.ts';
import { inBatches } from './formats/batches.ts';
import { FORMATS } from './formats/index.ts';
import { unknownForm } from './foreign-forms.ts';
import { nearFile } from './near-file.ts';
import { badRowsDoubt, RowSurvey, type BadRowsDoubt } from './rows-alike.ts';
import { SAMPLES } from './samples/index.ts';

/** Enough for a row of a very long prompt, and for some hundred rows that show the size of their blocks. */
const HEAD_BYTES = 2 ** 20;

/** More lines are in the first bytes of no trace. */
const MOST_HEAD_LINES = 20_000;

/** After so many bad rows, most of all, a file is given up: it is none of its format. */
const MOST_BAD_ROWS = 20_000;

/** So many first lines are kept to tell what a file is whose rows are bad. */
const SHOWING = 1000;

export interface OpenOptions {
  readonly onBadRow: 'fail' | 'skip';
  /** Called with each bad row that is skipped. */
  readonly onSkipped?: ((row: BadRow) => void) | undefined;
  /** Tokens of a prefix block, for files that do not say. */
  readonly blockTokens?: number | undefined;
  /** Name of the format where it is known, as is then `blockTokens`: the file's first lines are not read for them. */
  readonly format?: string | undefined;
  /** Where `format` is given: whether its sessions have starts. */
  readonly starts?: 'none' | undefined;
}

export interface OpenedSource extends Source {
  /**
   * What to know of how the file is read, as far as it has been: what of it is not used, or that it is another file
   * than it seems, where most rows were skipped. None where `format` was given.
   */
  notes(): string[];
}

/**
 * Opens a trace, gzip or not, its format found by its content: the file is opened once for that, and once each time the
 * source is. Throws a UserError for a file that is missing, empty, a directory, binary, or of no format that is known.
 * Bad rows are found while it is read: a bad row that is not skipped ends the stream when all rows after it have been
 * counted, so that the error can say what is wrong with the file. Either way a file of bad rows is given up after
 * 20,000 of them, most of its rows.
 */
export async function openSource(path: string, options: OpenOptions): Promise<OpenedSource> {
  const full = resolve(path);
  const hash = new FileHash(full);
  const { format, blockTokens, lines } = await formatOf(path, options, hash);
  const doubtOf = (survey: RowSurvey): BadRowsDoubt | null => badRowsDoubt(format.name, lines, survey);
  const timeUnit = format.timeUnit?.(lines[0] ?? '') ?? null;
  const starts = lines[0] === undefined ? (options.starts ?? null) : startsOf(format, lines[0]);
  let furthest = new RowSurvey();
  async function* read(): AsyncGenerator<readonly Request[]> {
    const survey = new RowSurvey();
    const bad = (row: BadRow): void => {
      survey.addBad(row);
      if (options.onBadRow === 'skip') options.onSkipped?.(row);
      if (survey.bad >= MOST_BAD_ROWS && survey.good < survey.bad)
        throw badRowError(path, survey.firstBad ?? row, doubtOf(survey)?.text ?? null);
    };
    const keys = lines.length === 0 ? undefined : survey.keys;
    const hasFailed = (): boolean => options.onBadRow === 'fail' && survey.firstBad !== null;
    try {
      for await (const batch of inBatches(format.read(fileText(full, hash), { path, blockTokens, bad, keys }))) {
        survey.good += batch.length;
        if (survey.rows > furthest.rows) furthest = survey;
        if (!hasFailed()) yield batch;
      }
      survey.isComplete = true;
    } catch (thrown) {
      // What ends the file behind a bad row is told when that row is mended.
      if (!hasFailed() || !(thrown instanceof UserError)) throw thrown;
    }
    if (survey.rows > furthest.rows) furthest = survey;
    if (options.onBadRow === 'fail' && survey.firstBad !== null)
      throw badRowError(path, survey.firstBad, doubtOf(survey)?.text ?? null);
  }
  return {
    name: basename(path),
    format: format.name,
    path: full,
    transforms: [],
    ...(blockTokens === null ? {} : { blockTokens }),
    ...(timeUnit === null ? {} : { timeUnit }),
    ...(starts === null ? {} : { starts }),
    open: read,
    sha256: () => hash.hex(),
    notes() {
      const [head] = lines;
      // Where a bad row ended the reading, its error says it all.
      if (head === undefined || (options.onBadRow === 'fail' && furthest.bad > 0)) return [];
      const doubt = doubtOf(furthest);
      if (doubt?.isWrongForm === true) return [`wrong_form: ${doubt.text}`];
      return [...(format.notes?.(head, furthest.keys) ?? [])];
    },
  };
}

/** How a file is read. */
interface Reading {
  readonly format: Format;
  readonly blockTokens: number | null;
  /** Its first lines that are not blank; none where they are not read. */
  readonly lines: readonly string[];
}

async function formatOf(path: string, options: OpenOptions, hash: FileHash): Promise<Reading> {
  checkFile(path);
  const given = options.blockTokens ?? null;
  if (options.format !== undefined) {
    const format = FORMATS.find(({ name }) => name === options.format);
    if (format === undefined) throw new UserError(`there is no trace format "${options.format}" (${formatNames()})`);
    return { format, blockTokens: given, lines: [] };
  }
  const lines = headLines(path, await readHead(path, hash));
  const format = findFormat(path, lines);
  return { format, blockTokens: blockTokensOf(path, format, lines, given), lines: lines.slice(0, SHOWING) };
}

function startsOf({ starts }: Format, head: string): 'none' | null {
  return typeof starts === 'function' ? starts(head) : (starts ?? null);
}

function blockTokensOf(path: string, format: Format, lines: readonly string[], given: number | null): number | null {
  if (given !== null && format.blockTokens === undefined)
    throw new UserError(`--block-tokens: ${path} is a trace of format ${format.name}, which has no prefix blocks`);
  const found = format.blockTokens?.(lines, given) ?? null;
  if (given !== null && found !== given)
    throw new UserError(
      `${path}: block_count_mismatch: its blocks are not of ${given} tokens, but of ${found}; leave --block-tokens out, or write --block-tokens ${found}`,
    );
  return found;
}

function checkFile(path: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  if (found === undefined)
    throw new UserError(
      `${path}: no such file; ${nearFile(path)}name a trace file, or a bundled sample (${Object.keys(SAMPLES).join(', ')})`,
    );
  if (found.isDirectory()) throw new UserError(`${path}: is a directory, expected a trace file`);
  // The file is read more than once: scanned before anything is sent, and read again when it is replayed.
  if (!found.isFile()) throw new UserError(`${path}: is a pipe or device, expected a trace file: save it to one first`);
  if (found.size === 0) throw new UserError(`${path}: the file is empty`);
}

async function readHead(path: string, hash: FileHash): Promise<Buffer> {
  const head = await fileHead(path, HEAD_BYTES, hash);
  if (head.length === 0) throw new UserError(`${path}: the file is empty once it is unpacked`);
  return head;
}

/** The file's first lines that are not blank, none of them cut. */
function headLines(path: string, head: Buffer): string[] {
  const binary = binaryKind(head);
  if (binary !== null) throw new UserError(`${path}: ${binary}`);
  const lines = head
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const whole = lines.length > 1 && head.length === HEAD_BYTES ? lines.slice(0, -1) : lines;
  const filled = whole.filter((line) => line.trim() !== '').slice(0, MOST_HEAD_LINES);
  if (filled.length === 0) throw new UserError(`${path}: the file is empty: it has blank lines only`);
  return filled;
}

function findFormat(path: string, lines: readonly string[]): Format {
  const [head = '', ...rows] = lines;
  const first = head.trim();
  if (first.startsWith('version https://git-lfs'))
    throw new UserError(
      `${path}: lfs_pointer: is a Git LFS pointer, not the trace itself; fetch it with "git lfs pull"`,
    );
  const format = FORMATS.find((known) => known.matches(first, rows));
  if (format !== undefined) return format;
  throw new UserError(
    `${path}: header_mismatch: no known trace format: ${unknownForm(lines)}\nexpected a first line like\n${FORMATS.map(({ name, begins }) => `  ${begins}   (${name})`).join('\n')}`,
  );
}

function formatNames(): string {
  return FORMATS.map(({ name }) => name).join(', ');
}
