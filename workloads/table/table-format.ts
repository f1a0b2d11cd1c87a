import { blockCount, findBlockTokens } from '../formats/blocks.ts';
import type { NamedUnit } from '../formats/column-names.ts';
import { FieldError, notUsed, type Format } from '../formats/format.ts';
import { namedRequests, type Fields, type RowRequest } from '../formats/named-rows.ts';
import { mapText, parseMap, ROLES, type TraceMap } from './map.ts';
import { tableRequest } from './table-request.ts';
import { sampleOf } from './table-sample.ts';

/** Of a table whose map the user gave; and of CSV and JSON Lines where all of it was guessed. */
export const TABLE_FORMATS = ['mapped', 'csv-log', 'json-log'] as const;
export type TableFormatName = (typeof TABLE_FORMATS)[number];

export function isTableFormat(name: string): name is TableFormatName {
  return TABLE_FORMATS.some((each) => each === name);
}

/**
 * CSV with a header (`,`, `;` or tab) or JSON Lines by a map of their columns, whose times all have units. `guessedUnit`:
 * that of the arrival, where only its name says it.
 */
export function tableFormat(name: TableFormatName, mapped: string, guessedUnit: NamedUnit | null = null): Format {
  const map = parseMap(mapped);
  const { arrival, blocks } = map;
  const uses = ROLES.flatMap((role) => map[role]?.name ?? []);
  return {
    name,
    begins: 'any CSV or JSON Lines, by --map',
    map: mapText(map),
    matches: () => true,
    ...(arrival === null ? { starts: 'none' as const } : {}),
    ...(blocks ? { blockTokens: (lines, preferred) => blockTokensOf(map, lines, preferred) } : {}),
    timeUnit: () => guessedUnit,
    notes(head, keys) {
      const { isJson, names } = sampleOf([head]);
      const left = (isJson ? [...keys] : names).filter((each) => !isUsed(uses, each));
      return [`columns used: --map ${shellWord(mapText(map))}`, ...notUsed(isJson ? 'keys' : 'columns', left)];
    },
    read: (text, rows) =>
      namedRequests(text, rows, {
        uses,
        ...(map.id ? { ids: 'renamed' as const } : {}),
        read(fields) {
          const request = tableRequest(map, fields);
          checkBlocks(request, rows.blockTokens);
          return request;
        },
      }),
  };
}

/** As a shell takes it for one word. */
export function shellWord(text: string): string {
  return /^[\w=,:.@/-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Whether a role is taken from a column or key, or from within the object that a key has. */
function isUsed(uses: readonly string[], name: string): boolean {
  const lower = name.toLowerCase();
  return uses.some((path) => path.toLowerCase() === lower || path.toLowerCase().startsWith(`${lower}.`));
}

function blockTokensOf(map: TraceMap, lines: readonly string[], preferred: number | null): number | null {
  const counts = sampleOf(lines).rows.flatMap((row) => {
    const { inputTokens = 0, blocks } = attempt(map, row) ?? {};
    return blocks === undefined || blocks.length === 0 ? [] : [{ tokens: inputTokens, blocks: blocks.length }];
  });
  return findBlockTokens(counts, preferred);
}

/** Null where the row cannot be read. */
export function attempt(map: TraceMap, row: Fields): RowRequest | null {
  try {
    return tableRequest(map, row);
  } catch (thrown) {
    if (thrown instanceof FieldError) return null;
    throw thrown;
  }
}

function checkBlocks({ blocks, inputTokens }: RowRequest, size: number | null): void {
  if (blocks === undefined || size === null) return;
  const wanted = blockCount(inputTokens, size);
  if (blocks.length === wanted || blocks.length === Math.floor(inputTokens / size)) return;
  throw new FieldError(
    `block_count_mismatch: the row has ${blocks.length} block ids, expected ${wanted} for ${inputTokens} tokens in blocks of ${size}; --block-tokens N if they are of another size`,
  );
}
