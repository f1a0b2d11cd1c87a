import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { messageOf, UserError } from '../src/core/errors.ts';
import type { Source } from '../src/core/plan.ts';
import { badRowError, type BadRow, type Format } from './formats/format.ts';
import { fileBytes, fileHead } from './file-bytes.ts';
import { inBatches } from './formats/batches.ts';
import { FORMATS } from './formats/index.ts';
import { SAMPLES } from './samples/index.ts';

/** Enough for a row of a very long prompt, and for some hundred rows that show the size of their blocks. */
const HEAD_BYTES = 2 ** 20;

export interface OpenOptions {
  readonly onBadRow: 'fail' | 'skip';
  /** Told of each bad row that is skipped. */
  readonly onSkipped?: (row: BadRow) => void;
  /** Tokens of a prefix block, for files that do not say. */
  readonly blockTokens?: number;
}

/**
 * Opens a trace, gzip or not, its format found by its content. Throws a UserError for a file that is missing, empty, a
 * directory, binary, or of no format that is known. Bad rows are found while it is read.
 */
export async function openSource(path: string, options: OpenOptions): Promise<Source> {
  const lines = headLines(path, await readHead(path));
  const format = findFormat(path, lines);
  const full = resolve(path);
  const bad = (row: BadRow): void => {
    if (options.onBadRow === 'fail') throw badRowError(path, row);
    options.onSkipped?.(row);
  };
  const blockTokens = blockTokensOf(path, format, lines, options.blockTokens ?? null);
  return {
    name: basename(path),
    format: format.name,
    path: full,
    transforms: [],
    ...(blockTokens === null ? {} : { blockTokens }),
    open: () => inBatches(format.read(decoded(full), { path, blockTokens, bad })),
  };
}

function blockTokensOf(path: string, format: Format, lines: readonly string[], asked: number | null): number | null {
  if (asked !== null && format.blockTokens === undefined)
    throw new UserError(`--block-tokens: ${path} is a trace of format ${format.name}, which has no prefix blocks`);
  const found = format.blockTokens?.(lines, asked) ?? null;
  if (asked !== null && found !== asked)
    throw new UserError(
      `${path}: block_count_mismatch: its blocks are not of ${asked} tokens, but of ${found}; leave --block-tokens out, or write --block-tokens ${found}`,
    );
  return found;
}

async function readHead(path: string): Promise<Buffer> {
  let head: Buffer;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined)
      throw new UserError(
        `${path}: no such file; name a trace file, or a bundled sample (${Object.keys(SAMPLES).join(', ')})`,
      );
    if (found.isDirectory()) throw new UserError(`${path}: is a directory, expected a trace file`);
    // It is read more than once: what it holds, before anything is sent, and again when it is replayed.
    if (!found.isFile())
      throw new UserError(`${path}: is a pipe or device, expected a trace file: save it to one first`);
    if (found.size === 0) throw new UserError(`${path}: the file is empty`);
    head = await fileHead(path, HEAD_BYTES);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`${path}: cannot be read: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (head.length === 0) throw new UserError(`${path}: the file is empty once it is unpacked`);
  return head;
}

/** The file's first lines that are not blank, none of them cut. */
function headLines(path: string, head: Buffer): string[] {
  if (head.includes(0)) throw new UserError(`${path}: is binary, expected a trace as text (${formatNames()})`);
  const lines = head
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const whole = lines.length > 1 && head.length === HEAD_BYTES ? lines.slice(0, -1) : lines;
  const filled = whole.filter((line) => line.trim() !== '');
  if (filled.length === 0) throw new UserError(`${path}: the file is empty: it has blank lines only`);
  return filled;
}

function findFormat(path: string, [head = '', ...rows]: readonly string[]): Format {
  const first = head.trim();
  if (first.startsWith('version https://git-lfs'))
    throw new UserError(
      `${path}: lfs_pointer: is a Git LFS pointer, not the trace itself; fetch it with "git lfs pull"`,
    );
  const format = FORMATS.find((known) => known.matches(first, rows));
  if (format !== undefined) return format;
  const columns =
    first.includes(',') && !/^[[{]/.test(first)
      ? `its columns are ${first.split(',').join(', ').slice(0, 200)}`
      : `it begins with ${JSON.stringify(first.slice(0, 80))}`;
  throw new UserError(
    `${path}: header_mismatch: no known trace format: ${columns}; expected a first line like\n${FORMATS.map(({ name, begins }) => `  ${begins}   (${name})`).join('\n')}`,
  );
}

function formatNames(): string {
  return FORMATS.map(({ name }) => name).join(', ');
}

/** The file's text; bytes that are not UTF-8 are an error that says where. */
async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let offset = 0;
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (thrown) {
      throw new UserError(`${path}: bad_utf8: the bytes near offset ${offset} are not UTF-8 text`, { cause: thrown });
    }
  };
  for await (const chunk of fileBytes(path)) {
    yield decode(chunk);
    offset += chunk.length;
  }
  yield decode();
}
