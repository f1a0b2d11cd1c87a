/** The shape of a decoder-only transformer, which determines its speed. */
export interface Llm {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Of one expert where there are several. */
  readonly mlpSize: number;
  /** Matrices of hidden size x MLP size in each layer: 3 where the MLP is gated. */
  readonly mlpMatrices: number;
  /** Mixture of experts: number of MLPs in each layer, and how many of them a token passes through; absent: one MLP. */
  readonly experts?: { readonly count: number; readonly active: number };
  readonly vocabularySize: number;
  /** Whether input embedding and output head are one matrix. */
  readonly tiedHead: boolean;
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
  /** Source of the shape. */
  readonly source: string;
}

/** Weights and KV entries are bf16. */
export const BYTES_PER_VALUE = 2;

/** Parameters of the attention projections of all layers. */
export function attentionParameters(llm: Llm): number {
  const queryAndOutput = 2 * llm.hiddenSize * llm.queryHeads * llm.headSize;
  const keyAndValue = 2 * llm.hiddenSize * llm.kvHeads * llm.headSize;
  return llm.layers * (queryAndOutput + keyAndValue);
}

/** Parameters of the MLPs of all layers; with experts: of one of them in each layer. Routers are negligible. */
export function mlpParameters(llm: Llm): number {
  return llm.layers * llm.mlpMatrices * llm.hiddenSize * llm.mlpSize;
}

/** Parameters of all linear layers, every expert included. */
export function linearParameters(llm: Llm): number {
  return attentionParameters(llm) + (llm.experts?.count ?? 1) * mlpParameters(llm);
}

/** Parameters of linear layers that a token passes through. */
export function activatedParameters(llm: Llm): number {
  return attentionParameters(llm) + (llm.experts?.active ?? 1) * mlpParameters(llm);
}

/** Parameters of the output head: read and multiplied only for tokens that are sampled. */
export function headParameters(llm: Llm): number {
  return llm.hiddenSize * llm.vocabularySize;
}

/** Bytes of all weights: linear layers, input embedding and output head (norms are negligible). */
export function weightBytes(llm: Llm): number {
  return (linearParameters(llm) + (llm.tiedHead ? 1 : 2) * headParameters(llm)) * BYTES_PER_VALUE;
}

/** Bytes of key and value of one token in all layers. */
export function kvBytesPerToken(llm: Llm): number {
  return 2 * llm.layers * llm.kvHeads * llm.headSize * BYTES_PER_VALUE;
}

/** FLOPs of attention between one query token and one key token, in all layers. */
export function attentionFlopsPerPair(llm: Llm): number {
  return 4 * llm.layers * llm.queryHeads * llm.headSize;
}
