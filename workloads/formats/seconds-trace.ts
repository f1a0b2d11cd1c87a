import type { Request } from '../../src/core/request.ts';
import { blockCount, findBlockTokens } from './blocks.ts';
import { isAbsoluteTime } from './fields.ts';
import { cellsOf } from './csv-rows.ts';
import { FieldError, type Format, type RowContext } from './format.ts';
import { blockIds, jsonNotes, parseJson } from './json-lines.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowRequest } from './named-rows.ts';
import { isJsonObject } from './body-params.ts';

const NEEDED = ['timestamp', 'input_length', 'output_length'];
const USES = [...NEEDED, 'hash_ids'];

/**
 * GuideLLM's traces of lengths as CSV: `timestamp` counts seconds, which its name does not say. The same rows as JSON
 * Lines are Mooncake's, in milliseconds, unless `--trace-format` says otherwise.
 */
export const guideLlm: Format = {
  ...inSeconds('guidellm', 'timestamp,input_length,output_length'),
  matches(head, rows) {
    const at = cellsOf(head).findIndex((name) => name.toLowerCase() === 'timestamp');
    return hasNames(head, NEEDED) && !isAbsoluteTime(cellsOf(rows[0] ?? '')[at] ?? '');
  },
};

/** vLLM's `timed_trace` with the names that it has by default: Mooncake's rows in seconds, so that only `--trace-format` tells. */
export const vllmTimed: Format = {
  ...inSeconds('vllm-timed', '{"timestamp":0.0,"input_length":...,"output_length":...,"hash_ids":[...]}'),
  matches: () => false,
};

function inSeconds(name: string, begins: string): Omit<Format, 'matches'> {
  return {
    name,
    begins,
    blockTokens(lines, preferred) {
      const counts = lines.flatMap((line) => {
        const row = parseJson(line);
        if (!isJsonObject(row)) return [];
        const { input_length: tokens, hash_ids: ids } = row;
        return typeof tokens === 'number' && Array.isArray(ids) ? [{ tokens, blocks: ids.length }] : [];
      });
      return counts.length === 0 ? preferred : findBlockTokens(counts, preferred);
    },
    notes: (head, keys) => [
      'times are read as seconds',
      ...(head.startsWith('{') ? jsonNotes(keys, USES) : namedNotes(head, keys, USES)),
    ],
    read: (text, rows) => namedRequests(text, rows, { uses: USES, read: (fields) => read(fields, rows) }),
  };
}

function read(fields: Fields, rows: RowContext): RowRequest {
  const arrivalUs = fields.seconds('timestamp');
  const inputTokens = fields.tokens('input_length');
  const outputTokens = fields.tokens('output_length');
  return { arrivalUs, inputTokens, outputTokens, blocks: blocksIn(fields.value('hash_ids'), inputTokens, rows) };
}

function blocksIn(value: unknown, tokens: number, { blockTokens }: RowContext): Request['blocks'] {
  if (value === undefined) return undefined;
  const found = blockIds.safeParse(value);
  if (!found.success) throw new FieldError('hash_ids is no list of whole numbers, expected one a block of the prompt');
  const wanted = blockTokens === null ? found.data.length : blockCount(tokens, blockTokens);
  if (found.data.length === wanted) return found.data;
  throw new FieldError(
    `block_count_mismatch: hash_ids has ${found.data.length} ids, expected ${wanted} for input_length ${tokens} in blocks of ${blockTokens}; --block-tokens N if they are of another size`,
  );
}
