/** Sizes in use, for files that do not say theirs. */
const USUAL_SIZES: readonly number[] = [512, 16, 32, 64, 128, 256, 1024, 2048];

/** How many prefix ids a row has, for how long a prompt. */
export interface BlockCount {
  readonly tokens: number;
  readonly blocks: number;
}

/**
 * The block size that the rows show, each with ceil(tokens / size) ids: the usual one that fits most of them. Where
 * none fits half, a size that fits them all: an unusual size is rarer than a row that is wrong, and among few rows one
 * such row has a size that fits it too. `preferred` is taken where no other fits more; null where nothing tells.
 */
export function findBlockTokens(rows: readonly BlockCount[], preferred: number | null): number | null {
  if (rows.length === 0) return preferred;
  const fitting = (size: number): number => rows.filter((row) => row.blocks === blockCount(row.tokens, size)).length;
  const [usual = 0] = USUAL_SIZES.toSorted((a, b) => fitting(b) - fitting(a));
  // Of an unusual size the rows leave a range: `blocks` ids are tokens / blocks <= size < tokens / (blocks - 1).
  const least = rows.reduce((most, { tokens, blocks }) => Math.max(most, Math.ceil(tokens / blocks)), 1);
  const isUnusual = fitting(usual) < rows.length / 2 && fitting(least) === rows.length;
  const found = isUnusual ? least : usual;
  return preferred !== null && fitting(preferred) >= fitting(found) ? preferred : found;
}

/** Blocks that a prompt fills, the last one in part. */
export function blockCount(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}

/** A row of Mooncake's kind, as far as its blocks go. */
export interface BlockRow {
  readonly input_length?: number | null | undefined;
  readonly hash_ids?: readonly number[] | null | undefined;
}

/** `findBlockTokens` of the rows that have ids; undefined stands for a row that cannot be read. */
export function blockTokensOf(rows: readonly (BlockRow | undefined)[], preferred: number | null): number | null {
  const counts = rows.map((row) => ({ tokens: row?.input_length ?? 0, blocks: row?.hash_ids?.length ?? 0 }));
  return findBlockTokens(
    counts.filter(({ tokens, blocks }) => tokens > 0 && blocks > 0),
    preferred,
  );
}

/**
 * What is wrong with the number of a row's ids; null for none, and for a row without ids. `orFullOnes`: a last block that
 * is not full may have none.
 */
export function blockFault(
  { input_length: tokens, hash_ids: ids }: BlockRow,
  blockTokens: number | null,
  { orFullOnes = false } = {},
): string | null {
  if (typeof tokens !== 'number' || !ids || ids.length === 0 || blockTokens === null) return null;
  const wanted = blockCount(tokens, blockTokens);
  if (ids.length === wanted || (orFullOnes && ids.length === Math.floor(tokens / blockTokens))) return null;
  return `block_count_mismatch: hash_ids has ${ids.length} ids, expected ${wanted} for input_length ${tokens} in blocks of ${blockTokens}; --block-tokens N if they are of another size`;
}
