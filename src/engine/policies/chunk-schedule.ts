/** Tokens that an iteration may hold when it takes a chunk of a prompt of which `computedTokens` are computed. */
export type ChunkSchedule = (computedTokens: number) => number;

export interface ChunkStages {
  /** At the beginning and at the end of a prompt; multiples of 32. */
  readonly high: number;
  readonly low: number;
  readonly stages: number;
  /** Length of prompt that the stages share out evenly; behind it the last one goes on. */
  readonly promptTokens: number;
}

const ROUND_TO_TOKENS = 32;

/**
 * Sarathi-Serve's dynamic chunking schedule: chunks shrink in equal steps as a prompt proceeds, for the attention to what
 * came before makes each token dearer.
 */
export function chunkSchedule({ high, low, stages, promptTokens }: ChunkStages): ChunkSchedule {
  const sizes = Array.from({ length: stages }, (_, i) => {
    const size = Math.floor(low + ((stages - 1 - i) * (high - low)) / (stages - 1));
    return roundHalfToEven(size / ROUND_TO_TOKENS) * ROUND_TO_TOKENS;
  });
  const tokensPerStage = Math.ceil(promptTokens / stages);
  return (computedTokens) => sizes[Math.min(Math.floor(computedTokens / tokensPerStage), stages - 1)] ?? low;
}

/** As NumPy rounds. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below + (below % 2);
  return rest < 0.5 ? below : below + 1;
}
