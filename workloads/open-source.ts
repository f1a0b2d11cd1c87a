import { statSync, type Stats } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { didYouMean } from '../src/core/did-you-mean.ts';
import { UserError } from '../src/core/errors.ts';
import type { InputIs, Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import { traceText, type TraceText } from './containers/trace-text.ts';
import { unreadable } from './file-bytes.ts';
import { badRowError, type BadRow, type Format, type LeftOut } from './formats/format.ts';
import { inBatches } from './formats/batches.ts';
import { FORMATS } from './formats/index.ts';
import { BY_CHARACTERS, lengthsNote, type TextTokens } from './formats/text-tokens.ts';
import { rowNotes } from './row-notes.ts';
import { guessedFormat } from './table/guessed-format.ts';
import { isTableFormat, tableFormat, TABLE_FORMATS } from './table/table-format.ts';
import { nearFile } from './near-file.ts';
import { readTokenizer } from './prompts/tokenizer-file.ts';
import { badRowsDoubt, RowSurvey, type BadRowsDoubt } from './rows-alike.ts';
import { SAMPLES } from './samples/index.ts';

/** Enough for a row of a very long prompt, and for some hundred rows that show the size of their blocks. */
const HEAD_CHARACTERS = 2 ** 20;

/** More lines are in the first bytes of no trace. */
const MOST_HEAD_LINES = 20_000;

/** After so many bad rows, most of all, a file is given up: it is none of its format. */
const MOST_BAD_ROWS = 20_000;

/** For `--trace-format`. */
const FORMAT_NAMES = [...FORMATS.map(({ name }) => name), ...TABLE_FORMATS];

/** So many first lines are kept to tell what a file is whose rows are bad. */
const SHOWING = 1000;

export interface OpenOptions {
  readonly onBadRow: 'fail' | 'skip';
  /** Called with each bad row that is skipped. */
  readonly onSkipped?: ((row: BadRow) => void) | undefined;
  /** Called with each row that is sound and no request to replay. */
  readonly onLeftOut?: ((left: LeftOut) => void) | undefined;
  /** A `tokenizer.json` that counts the tokens of texts where the trace does not; absent: by characters. */
  readonly tokenizer?: string | undefined;
  /** What the input tokens of a log count; absent: the whole prompt. */
  readonly inputIs?: InputIs | undefined;
  /** Tokens of a prefix block, for files that do not say. */
  readonly blockTokens?: number | undefined;
  /** Name of the format that the user says it is; absent: the file's first lines tell. */
  readonly traceFormat?: string | undefined;
  /** Which column is what, as `parseMap` reads it: the format is that of any table then. */
  readonly map?: string | undefined;
  /** Name of the format where it is known, as are then `blockTokens` and `map`: the file's first lines are not read for them. */
  readonly format?: string | undefined;
  /** Where `format` is given: whether its sessions have starts. */
  readonly starts?: 'none' | undefined;
}

export interface OpenedSource extends Source {
  /** Which column is what, where the format is that of any table: as given, with what was guessed. */
  readonly map?: string;
  /** First line of the file, as a header has it; empty where `format` was given. */
  readonly firstLine: string;
  /**
   * What to know of how the file is read, as far as it has been: what of it is not used, or that it is another file
   * than it seems, where most rows were skipped. None where `format` was given.
   */
  notes(): string[];
  /** How many rows, or parts of them, could not be read and are left out, as far as the file has been read. */
  badRows(): number;
}

/**
 * Opens a trace, a file of any container or a folder of them, its format found by its content: the file is opened once for
 * that, and once each time the source is. Throws a UserError for a file that is missing, empty, binary, or of no format that
 * is known.
 * Bad rows are found while it is read: a bad row that is not skipped ends the stream when all rows after it have been
 * counted, so that the error can say what is wrong with the file. Either way a file of bad rows is given up after
 * 20,000 of them, most of its rows.
 */
export async function openSource(path: string, options: OpenOptions): Promise<OpenedSource> {
  const full = resolve(path);
  checkFile(path);
  const container = traceText(full);
  const { format, blockTokens, lines } = await formatOf(path, options, container);
  const doubtOf = (survey: RowSurvey): BadRowsDoubt | null => badRowsDoubt(format.name, lines, survey);
  const timeUnit = format.timeUnit?.(lines[0] ?? '') ?? null;
  const starts = lines[0] === undefined ? (options.starts ?? null) : startsOf(format, lines[0]);
  let furthest = new RowSurvey();
  const texts = format.hasTexts === true ? await textTokens(options.tokenizer) : null;
  let hasCounted = false;
  const count = (value: string): number => {
    hasCounted = true;
    return texts?.count(value) ?? 0;
  };
  async function* read(): AsyncGenerator<readonly Request[]> {
    const survey = new RowSurvey();
    const bad = (found: BadRow): void => {
      const row = { ...found, place: container.placeOf(found.line) };
      survey.addBad(row);
      if (options.onBadRow === 'skip') options.onSkipped?.(row);
      if (survey.bad >= MOST_BAD_ROWS && survey.good < survey.bad)
        throw badRowError(path, survey.firstBad ?? row, doubtOf(survey)?.text ?? null);
    };
    const keys = lines.length === 0 ? undefined : survey.keys;
    const context = {
      path,
      blockTokens,
      bad,
      keys,
      inputIs: options.inputIs,
      textTokens: texts === null ? undefined : { count, by: texts.by },
      leftOut(left: LeftOut): void {
        survey.addLeftOut(left);
        options.onLeftOut?.(left);
      },
      remark: (note: string) => survey.addRemark(note),
    };
    const hasFailed = (): boolean => options.onBadRow === 'fail' && survey.firstBad !== null;
    try {
      for await (const batch of inBatches(format.read(container.open(format.mostRowBytes), context))) {
        survey.addGood(batch);
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
    ...(format.map === undefined ? {} : { map: format.map }),
    firstLine: lines[0] ?? '',
    open: read,
    sha256: () => container.sha256(),
    badRows: () => furthest.bad,
    notes() {
      const [head] = lines;
      // Where a bad row ended the reading, its error says it all.
      if (head === undefined || (options.onBadRow === 'fail' && furthest.bad > 0)) return [];
      const doubt = doubtOf(furthest);
      if (doubt?.isWrongForm === true) return [`wrong_form: ${doubt.text}`];
      return [
        ...container.notes,
        ...(texts === null || !hasCounted ? [] : [lengthsNote(texts)]),
        ...rowNotes(furthest),
        ...(format.notes?.(head, furthest.keys) ?? []),
      ];
    },
  };
}

/** Whether the tokens of a format's texts are counted, where its rows do not say how many they are. */
export function countsTexts(format: string): boolean {
  return FORMATS.some(({ name, hasTexts }) => name === format && hasTexts === true);
}

async function textTokens(tokenizer: string | undefined): Promise<TextTokens> {
  if (tokenizer === undefined) return BY_CHARACTERS;
  const { path, encode } = await readTokenizer(tokenizer);
  return { count: (text) => encode(text).length, by: path };
}

/** How a file is read. */
interface Reading {
  readonly format: Format;
  readonly blockTokens: number | null;
  /** Its first lines that are not blank; none where they are not read. */
  readonly lines: readonly string[];
}

async function formatOf(path: string, options: OpenOptions, container: TraceText): Promise<Reading> {
  const given = options.blockTokens ?? null;
  if (options.format !== undefined)
    return { format: namedFormat(options.format, options), blockTokens: given, lines: [] };
  const lines = await headLines(path, container.open());
  const format = formatOfLines(path, lines, options);
  if (format.name === 'rtrace' && (container.files?.length ?? 1) > 1)
    throw new UserError(
      `${path}: mixed_formats: the folder holds ${container.files?.length} native traces, each with its own header; name one of them`,
    );
  for (const file of container.files?.slice(1) ?? []) {
    const found = formatOfLines(file, await headLines(file, traceText(file).open()), options);
    if (found.name !== format.name)
      throw new UserError(
        `${path}: mixed_formats: ${relative(resolve(path), container.files?.[0] ?? '')} is a trace of format ${format.name}, ${relative(resolve(path), file)} of ${found.name}; put each form in a folder of its own`,
      );
  }
  return { format, blockTokens: blockTokensOf(path, format, lines, given), lines: lines.slice(0, SHOWING) };
}

function formatOfLines(path: string, lines: readonly string[], { traceFormat, map }: OpenOptions): Format {
  if (map !== undefined || (traceFormat !== undefined && isTableFormat(traceFormat)))
    return guessedFormat(path, lines, map ?? null, true);
  return traceFormat === undefined ? findFormat(path, lines) : namedFormat(traceFormat, {});
}

/** `map`: of a format of any table, resolved. */
function namedFormat(name: string, { map }: Pick<OpenOptions, 'map'>): Format {
  if (isTableFormat(name)) return tableFormat(name, map ?? '');
  const format = FORMATS.find((known) => known.name === name);
  if (format !== undefined) return format;
  throw new UserError(`--trace-format: there is no trace format "${name}"${didYouMean(name, FORMAT_NAMES)}`);
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
  if (found.isDirectory()) return;
  // The file is read more than once: scanned before anything is sent, and read again when it is replayed.
  if (!found.isFile())
    throw new UserError(
      `${path}: is a pipe or device, expected a trace file: save it to one first, or give it as standard input: "-"`,
    );
  if (found.size === 0) throw new UserError(`${path}: the file is empty`);
}

/** The first lines of a text that are not blank, none of them cut. */
async function headLines(path: string, text: AsyncGenerator<string>): Promise<string[]> {
  let head = '';
  let isWhole = true;
  for await (const chunk of text) {
    head += chunk;
    isWhole = head.length < HEAD_CHARACTERS;
    if (!isWhole) break;
  }
  if (head === '') throw new UserError(`${path}: the file is empty once it is unpacked`);
  const lines = head.replace(/^\uFEFF/, '').split(/\r?\n/);
  const whole = lines.length > 1 && !isWhole ? lines.slice(0, -1) : lines;
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
  return FORMATS.find((known) => known.matches(first, rows)) ?? guessedFormat(path, lines, null, false);
}
