import type { Llm } from './llm.ts';

/** Meta’s OPT; comments as in `llms.ts`. */
export const OPT = {
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
  /** 173.95 B, 174.6 B, 4,718,592 bytes. Its weights are available on request only. */
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
