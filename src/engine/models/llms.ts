/** The shape of a decoder-only transformer: all that its speed depends on. */
export interface Llm {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly mlpSize: number;
  /** Matrices of hidden x MLP size in each layer: 3 where the MLP is gated. */
  readonly mlpMatrices: number;
  readonly vocabularySize: number;
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
}

/** Weights and KV entries are bf16. */
export const BYTES_PER_VALUE = 2;

/** Shapes from each model's published config.json. */
export const LLMS = {
  /** meta-llama/Llama-3.1-8B: 6.98 B parameters in linear layers, 8.03 B in all, 131,072 bytes of KV a token. */
  'llama-3.1-8b': {
    layers: 32,
    hiddenSize: 4096,
    queryHeads: 32,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 14336,
    mlpMatrices: 3,
    vocabularySize: 128256,
    maxModelLen: 131072,
  },
} as const satisfies Record<string, Llm>;

export type LlmName = keyof typeof LLMS;

/** Parameters that every token passes through: attention projections and MLP of all layers. */
export function linearParameters(llm: Llm): number {
  const queryAndOutput = 2 * llm.hiddenSize * llm.queryHeads * llm.headSize;
  const keyAndValue = 2 * llm.hiddenSize * llm.kvHeads * llm.headSize;
  return llm.layers * (queryAndOutput + keyAndValue + llm.mlpMatrices * llm.hiddenSize * llm.mlpSize);
}

/** Parameters of the output head: read and multiplied only for tokens that are sampled. */
export function headParameters(llm: Llm): number {
  return llm.hiddenSize * llm.vocabularySize;
}

/** Bytes of all weights: linear layers, input embedding and output head (norms are negligible). */
export function weightBytes(llm: Llm): number {
  return (linearParameters(llm) + 2 * headParameters(llm)) * BYTES_PER_VALUE;
}

/** Key and value of one token in all layers. */
export function kvBytesPerToken(llm: Llm): number {
  return 2 * llm.layers * llm.kvHeads * llm.headSize * BYTES_PER_VALUE;
}

/** Multiplications and additions of attention between one query token and one key token, in all layers. */
export function attentionFlopsPerPair(llm: Llm): number {
  return 4 * llm.layers * llm.queryHeads * llm.headSize;
}
