import { LUMP_US, type TokenCountSource } from '../core/record.ts';
import type { PlacedTokens } from './imported-run.ts';

/** When the chunks of an answer came, and what is known of the tokens in them. */
export interface Chunks {
  /** Of each chunk, in microseconds from the due time, ascending. */
  readonly timesUs: readonly number[];
  /** Output tokens as the tool counted them; null: it did not, and each chunk counts as one. */
  readonly tokens: number | null;
  /** How it counted them. */
  readonly countedBy: TokenCountSource;
  /** Whether the first chunk names the role alone, as a chat's does. */
  readonly startsWithRole: boolean;
}

export const NO_TOKENS: PlacedTokens = {
  token_times_us: new Float64Array(0),
  token_time_source: null,
  token_count_source: null,
};

/**
 * Places tokens into the chunks that they came in. Where there are more tokens than chunks it is not known which chunk
 * had several: they are dealt out evenly, and as the tokens of a chunk are 0 apart, the gaps between tokens are the same
 * however they are dealt out. Where there are fewer, some chunks had none: a role at the start, an empty one that came
 * with the last; if it is not known which, only the first and the last time stand, with `spread`.
 */
export function tokensInChunks({ timesUs, tokens, countedBy, startsWithRole }: Chunks): PlacedTokens {
  if (timesUs.length === 0 || tokens === 0) return NO_TOKENS;
  const chunks = startsWithRole && timesUs.length > 1 ? timesUs.slice(1) : [...timesUs];
  if (tokens === null) return placed(chunks, chunks.length, 'chunks');
  if (chunks.length === tokens + 1 && endsWithEmpty(chunks)) chunks.pop();
  if (chunks.length <= tokens) return placed(chunks, tokens, countedBy);
  return spreadTokens(chunks[0] ?? 0, chunks.at(-1) ?? 0, tokens, countedBy);
}

/** The last chunk came with the one before it: it says why the answer ended, and has no token. */
function endsWithEmpty(chunks: readonly number[]): boolean {
  return (chunks.at(-1) ?? 0) - (chunks.at(-2) ?? 0) <= LUMP_US;
}

/** Token i of n in the chunk at the same part of the answer: the first in the first chunk, the last in the last. */
function placed(chunks: readonly number[], tokens: number, countedBy: TokenCountSource): PlacedTokens {
  const times = new Float64Array(tokens);
  for (let i = 0; i < tokens; i++) times[i] = chunks[Math.floor((i * chunks.length) / tokens)] ?? 0;
  return finished(times, 'client', countedBy);
}

/** Tokens of which only the first and the last time are known; of two, that is all there is. */
export function spreadTokens(
  firstUs: number,
  lastUs: number,
  tokens: number,
  countedBy: TokenCountSource,
): PlacedTokens {
  if (tokens === 0) return NO_TOKENS;
  const end = Math.max(firstUs, lastUs);
  const step = tokens > 1 ? (end - firstUs) / (tokens - 1) : 0;
  const times = Float64Array.from({ length: tokens }, (_, i) => firstUs + i * step);
  const isWhole = tokens <= 2 || end === firstUs;
  return finished(times, isWhole ? 'client' : 'spread', countedBy);
}

/** Whole microseconds, never decreasing and never before the due time. */
function finished(
  times: Float64Array,
  token_time_source: 'client' | 'spread',
  token_count_source: TokenCountSource,
): PlacedTokens {
  let latest = 0;
  for (let i = 0; i < times.length; i++) {
    latest = Math.max(latest, Math.round(times[i] ?? 0));
    times[i] = latest;
  }
  return { token_times_us: times, token_time_source, token_count_source };
}

/** Times of chunks from that of the first and the gaps after it. */
export function chunkTimes(firstUs: number, gapsUs: readonly number[]): number[] {
  const times = [firstUs];
  let at = firstUs;
  for (const gap of gapsUs) times.push((at += gap));
  return times;
}
