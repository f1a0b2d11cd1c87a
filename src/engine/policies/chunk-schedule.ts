/** Token budget of an iteration that takes a chunk of a prompt with `computedTokens` computed tokens. */
export type ChunkSchedule = (computedTokens: number) => number;

export interface ChunkStages {
  /** Chunk size at the beginning and at the end of a prompt; multiples of 32. */
  readonly high: number;
  readonly low: number;
  readonly stages: number;
  /** Prompt length that the stages divide evenly; beyond it the last stage goes on. */
  readonly promptTokens: number;
}

const ROUND_TO_TOKENS = 32;

/**
 * Sarathi-Serve's dynamic chunking schedule: chunks shrink in equal steps along a prompt, because attention to the
 * preceding tokens makes each token more expensive.
 */
export function chunkSchedule({ high, low, stages, promptTokens }: ChunkStages): ChunkSchedule {
  const sizes = Array.from({ length: stages }, (_, i) => {
    const size = Math.floor(low + ((stages - 1 - i) * (high - low)) / (stages - 1));
    return roundHalfToEven(size / ROUND_TO_TOKENS) * ROUND_TO_TOKENS;
  });
  const tokensPerStage = Math.ceil(promptTokens / stages);
  return (computedTokens) => sizes[Math.min(Math.floor(computedTokens / tokensPerStage), stages - 1)] ?? low;
}

/** Rounds as NumPy does. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below + (below % 2);
  return rest < 0.5 ? below : below + 1;
}
