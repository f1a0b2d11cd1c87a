import type { Llm } from './llm.ts';
import { LLAMA } from './llama.ts';
import { OPT } from './opt.ts';
import { QWEN } from './qwen.ts';

/**
 * Shapes as published. The comments give parameters in linear layers (those that a token passes through), in all
 * (without positions, norms and routers), and KV bytes per token, in bf16; tests compare the shapes with them.
 */
export const LLMS = {
  ...LLAMA,
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
  /** 46.44 B (12.62 B activated), 46.7 B, 131,072 bytes. */
  'mixtral-8x7b': {
    layers: 32,
    hiddenSize: 4096,
    queryHeads: 32,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 14336,
    mlpMatrices: 3,
    experts: { count: 8, active: 2 },
    vocabularySize: 32000,
    tiedHead: false,
    maxModelLen: 32768,
    source: 'config.json of mistralai/Mixtral-8x7B-v0.1',
  },
  ...QWEN,
  /** 33.47 B, 34.39 B, 245,760 bytes. */
  'yi-34b': {
    layers: 60,
    hiddenSize: 7168,
    queryHeads: 56,
    kvHeads: 8,
    headSize: 128,
    mlpSize: 20480,
    mlpMatrices: 3,
    vocabularySize: 64000,
    tiedHead: false,
    maxModelLen: 4096,
    source: 'config.json of 01-ai/Yi-34B',
  },
  ...OPT,
  /** 172.6 B, 176.2 B, 4,014,080 bytes. */
  'bloom-176b': {
    layers: 70,
    hiddenSize: 14336,
    queryHeads: 112,
    kvHeads: 112,
    headSize: 128,
    mlpSize: 57344,
    mlpMatrices: 2,
    vocabularySize: 250880,
    tiedHead: true,
    maxModelLen: 2048,
    source: 'config.json of bigscience/bloom; maxModelLen is its seq_length, as ALiBi has no limit',
  },
} as const satisfies Record<string, Llm>;

export type LlmName = keyof typeof LLMS;
