import type { Llm } from './llm.ts';

/** Meta’s Llama; comments as in `llms.ts`. */
export const LLAMA = {
  /** 6.98 B, 8.03 B, 131,072 bytes. */
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
  /** 401.65 B, 405.85 B, 516,096 bytes. */
  'llama-3.1-405b': {
    layers: 126,
    hiddenSize: 16384,
    queryHeads: 128,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 53248,
    mlpMatrices: 3,
    vocabularySize: 128256,
    tiedHead: false,
    maxModelLen: 131072,
    source: 'config.json of meta-llama/Llama-3.1-405B',
  },
  /** 6.48 B, 6.74 B, 524,288 bytes. */
  'llama-2-7b': {
    layers: 32,
    hiddenSize: 4096,
    queryHeads: 32,
    kvHeads: 32,
    headSize: 128,
    mlpSize: 11008,
    mlpMatrices: 3,
    vocabularySize: 32000,
    tiedHead: false,
    maxModelLen: 4096,
    source: 'config.json of meta-llama/Llama-2-7b-hf',
  },
  /** 12.69 B, 13.02 B, 819,200 bytes. */
  'llama-2-13b': {
    layers: 40,
    hiddenSize: 5120,
    queryHeads: 40,
    kvHeads: 40,
    headSize: 128,
    mlpSize: 13824,
    mlpMatrices: 3,
    vocabularySize: 32000,
    tiedHead: false,
    maxModelLen: 4096,
    source: 'config.json of meta-llama/Llama-2-13b-hf',
  },
  /** 68.45 B, 68.98 B, 327,680 bytes. */
  'llama-2-70b': {
    layers: 80,
    hiddenSize: 8192,
    queryHeads: 64,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 28672,
    mlpMatrices: 3,
    vocabularySize: 32000,
    tiedHead: false,
    maxModelLen: 4096,
    source: 'config.json of meta-llama/Llama-2-70b-hf',
  },
} as const satisfies Record<string, Llm>;
