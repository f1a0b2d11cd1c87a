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
  /** Input embedding and output head are one matrix. */
  readonly tiedHead: boolean;
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
  /** Where the shape is published. */
  readonly source: string;
}

/** Weights and KV entries are bf16. */
export const BYTES_PER_VALUE = 2;

/**
 * Shapes as published. Comments: parameters in linear layers, in all (positions and norms left out), KV bytes a token,
 * in bf16; tests hold the shapes to them.
 */
export const LLMS = {
  /** 6.98 B parameters in linear layers, 8.03 B in all, 131,072 bytes of KV a token. */
  'llama-3.1-8b': {
    layers: 32,
    hiddenSize: 4096,
    queryHeads: 32,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 14336,
    mlpMatrices: 3,
    vocabularySize: 128256,
    tiedHead: false,
    maxModelLen: 131072,
    source: 'config.json of meta-llama/Llama-3.1-8B',
  },
  /** 68.45 B, 70.55 B, 327,680 bytes. */
  'llama-3-70b': {
    layers: 80,
    hiddenSize: 8192,
    queryHeads: 64,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 28672,
    mlpMatrices: 3,
    vocabularySize: 128256,
    tiedHead: false,
    maxModelLen: 8192,
    source: 'config.json of meta-llama/Meta-Llama-3-70B',
  },
  /** 6.98 B, 7.24 B, 131,072 bytes. Its sliding window is not modelled. */
  'mistral-7b': {
    layers: 32,
    hiddenSize: 4096,
    queryHeads: 32,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 14336,
    mlpMatrices: 3,
    vocabularySize: 32000,
    tiedHead: false,
    maxModelLen: 32768,
    source: 'config.json of mistralai/Mistral-7B-v0.1',
  },
  /** 2.77 B, 3.09 B, 36,864 bytes. */
  'qwen2.5-3b': {
    layers: 36,
    hiddenSize: 2048,
    queryHeads: 16,
    kvHeads: 2,
    headSize: 128,
    mlpSize: 11008,
    mlpMatrices: 3,
    vocabularySize: 151936,
    tiedHead: true,
    maxModelLen: 32768,
    source: 'config.json of Qwen/Qwen2.5-3B',
  },
  /** 6.53 B, 7.62 B, 57,344 bytes. Longer contexts need YaRN. */
  'qwen2.5-7b': {
    layers: 28,
    hiddenSize: 3584,
    queryHeads: 28,
    kvHeads: 4,
    headSize: 128,
    mlpSize: 18944,
    mlpMatrices: 3,
    vocabularySize: 152064,
    tiedHead: false,
    maxModelLen: 32768,
    source: 'config.json of Qwen/Qwen2.5-7B-Instruct',
  },
  /** 13.21 B, 14.77 B, 196,608 bytes. */
  'qwen2.5-14b': {
    layers: 48,
    hiddenSize: 5120,
    queryHeads: 40,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 13824,
    mlpMatrices: 3,
    vocabularySize: 152064,
    tiedHead: false,
    maxModelLen: 32768,
    source: 'config.json of Qwen/Qwen2.5-14B-Instruct',
  },
  /** 12.58 B, 12.84 B, 819,200 bytes. */
  'opt-13b': {
    layers: 40,
    hiddenSize: 5120,
    queryHeads: 40,
    kvHeads: 40,
    headSize: 128,
    mlpSize: 20480,
    mlpMatrices: 2,
    vocabularySize: 50272,
    tiedHead: true,
    maxModelLen: 2048,
    source: 'OPT (Zhang et al. 2022), table 1; config.json of facebook/opt-13b',
  },
  /** 65.23 B, 65.69 B, 2,359,296 bytes. */
  'opt-66b': {
    layers: 64,
    hiddenSize: 9216,
    queryHeads: 72,
    kvHeads: 72,
    headSize: 128,
    mlpSize: 36864,
    mlpMatrices: 2,
    vocabularySize: 50272,
    tiedHead: true,
    maxModelLen: 2048,
    source: 'OPT (Zhang et al. 2022), table 1; config.json of facebook/opt-66b',
  },
  /** 173.95 B, 174.6 B, 4,718,592 bytes. Its weights are given out on request only. */
  'opt-175b': {
    layers: 96,
    hiddenSize: 12288,
    queryHeads: 96,
    kvHeads: 96,
    headSize: 128,
    mlpSize: 49152,
    mlpMatrices: 2,
    vocabularySize: 50272,
    tiedHead: true,
    maxModelLen: 2048,
    source: 'OPT (Zhang et al. 2022), table 1',
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
  return (linearParameters(llm) + (llm.tiedHead ? 1 : 2) * headParameters(llm)) * BYTES_PER_VALUE;
}

/** Key and value of one token in all layers. */
export function kvBytesPerToken(llm: Llm): number {
  return 2 * llm.layers * llm.kvHeads * llm.headSize * BYTES_PER_VALUE;
}

/** Multiplications and additions of attention between one query token and one key token, in all layers. */
export function attentionFlopsPerPair(llm: Llm): number {
  return 4 * llm.layers * llm.queryHeads * llm.headSize;
}
