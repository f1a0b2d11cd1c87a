/** Sizes in use, for files that do not say theirs. */
const USUAL_SIZES: readonly number[] = [512, 16, 32, 64, 128, 256, 1024, 2048];

/** How many prefix ids a row has, for how long a prompt. */
export interface BlockCount {
  readonly tokens: number;
  readonly blocks: number;
}

/**
 * The block size that most rows fit, which is all rows of a sound file: ceil(tokens / size) ids. Where several fit,
 * `preferred`, then the usual ones. Null without rows.
 */
export function findBlockTokens(rows: readonly BlockCount[], preferred: number | null): number | null {
  if (rows.length === 0) return null;
  // Of an unusual size the rows leave a range: `blocks` ids are tokens / blocks <= size < tokens / (blocks - 1).
  const least = rows.reduce((most, { tokens, blocks }) => Math.max(most, Math.ceil(tokens / blocks)), 1);
  const candidates = [...(preferred === null ? [] : [preferred]), ...USUAL_SIZES, least];
  const fitting = candidates.map((size) => rows.filter((row) => row.blocks === blockCount(row.tokens, size)).length);
  return candidates[fitting.indexOf(Math.max(...fitting))] ?? null;
}

/** Blocks that a prompt fills, the last one in part. */
export function blockCount(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}
